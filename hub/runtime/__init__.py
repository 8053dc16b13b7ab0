"""What every process needs before anything else.

Settings, logs, metrics, health, clocks, keys, quotas, start and stop.
"""
