"""警调对接 bridge: takes dispute incidents of the police, hands them to intake, brings results back."""
