"""Ways in: hand-offs, gRPC, timers and holiday tables."""
