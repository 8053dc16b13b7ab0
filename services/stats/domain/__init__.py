"""What is counted and how a rate comes of it: pure, standard library only."""
