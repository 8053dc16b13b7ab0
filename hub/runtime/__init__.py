"""What every process needs before anything else.

Settings, logs, metrics, clocks, calendars, keys, start and stop.
"""
