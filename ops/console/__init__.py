"""Output, exit codes and interrupts of commands."""
