"""The law as pure functions of facts and versioned rules."""
