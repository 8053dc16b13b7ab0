"""The dispute domain that all services share.

The dispute, its calendar, contracts and messages.
"""
