"""Numbered streams, from the outbox to the inbox.

It contains outbox, relay, reader, inbox and dead letters.
"""
