"""诉调对接 bridge: takes a court's suits, hands them to intake, brings results back."""
