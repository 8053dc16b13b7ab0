"""An agency's record: its fields, codes, reference, and checks."""
