"""`make shredding`: persons through the whole hub: who may read them, and whether one who was forgotten can be read."""
