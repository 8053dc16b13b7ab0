"""What every process needs first: settings, logs, metrics, clocks, calendars, keys, start and stop."""
