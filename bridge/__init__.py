"""The engine of every bridge.

Each bridge service gives it a specification.
"""
