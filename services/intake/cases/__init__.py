"""Cases: the register of disputes and the unit of work that changes it."""
