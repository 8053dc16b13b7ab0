"""Plays a county through the hub.

It contains scenarios, simulators, the demo and the trial.
"""
