"""An agency's record: fields, codes, reference and checks."""
