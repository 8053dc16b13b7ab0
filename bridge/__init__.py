"""The engine of every bridge: each service gives it a specification."""
