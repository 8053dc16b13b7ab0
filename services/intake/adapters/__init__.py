"""Intake's edges: tables, register, hand-offs, gRPC, rule files, keys, Kafka."""
