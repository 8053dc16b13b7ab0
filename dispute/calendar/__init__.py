"""Days and working days: the only place that counts them."""
