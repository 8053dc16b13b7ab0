"""The language that all services share: the dispute, its calendar, contracts and messages."""
