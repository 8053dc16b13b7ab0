"""The fault matrix: faults under load on three brokers, and an oracle that shares no code with what it judges."""
