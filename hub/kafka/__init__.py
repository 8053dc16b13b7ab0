"""The only package that knows Kafka and Faust.

It contains worker, transport, publisher, provisioning, dead letters and in-memory bus.
"""
