"""Assembles the parts that every service has.

These are its bus, its store, its health, and its gRPC and HTTP servers.
"""
