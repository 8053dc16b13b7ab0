"""What the three bridges share: credentials, receipts, results, and the edges built from a bridge's own parts."""
