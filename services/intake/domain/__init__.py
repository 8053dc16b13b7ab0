"""The law and the process as pure functions of facts and versioned rules; imports no transport."""
