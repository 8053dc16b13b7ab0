"""The outside of stats: store, journal messages, gRPC, Prometheus."""
