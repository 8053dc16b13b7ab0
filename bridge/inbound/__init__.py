"""Ways in: REST and gRPC."""
