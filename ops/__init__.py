"""The operator's bench: the `hub` command, the launcher, scenarios, simulated partners, dead-letter tools."""
