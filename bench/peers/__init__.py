"""What the hub's fold is compared with; each runs in an environment of its own and prints one JSON line."""
