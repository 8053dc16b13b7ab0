"""What crosses a process: topic catalogue, stream numbering, sealing, and the codec wire <-> lifecycle."""
