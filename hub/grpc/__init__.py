"""The only place that builds gRPC servers and channels: status mapping, deadlines, health, reflection, metrics."""
