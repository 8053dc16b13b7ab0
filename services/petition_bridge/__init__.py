"""访调对接 bridge: passes petitions to intake and returns the results."""
