"""Facts: folded from the journal, stored and queried."""
