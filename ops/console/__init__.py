"""How a command speaks: output, exit codes, interrupts."""
