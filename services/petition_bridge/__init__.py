"""访调对接 bridge: takes petitions of the petition office, hands them to intake, brings results back."""
