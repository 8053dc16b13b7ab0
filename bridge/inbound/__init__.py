"""Inbound: REST and gRPC."""
