"""Numbered streams: outbox, relay, reader, inbox and dead letters."""
