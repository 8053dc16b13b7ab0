"""Facts: folded from the journal, stored, and asked for counts."""
