"""What every service is made of: its bus, its store, its health and its doors, put together in one place."""
