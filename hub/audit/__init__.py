"""Trace of who did and saw what: a chain of entries in each service's own store."""
