"""What a petition is, and what of it may leave the bridge; knows no transport."""
