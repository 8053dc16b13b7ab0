"""The only package that knows Kafka and Faust.

It contains administration, clients, transport, worker, publisher, provisioning and reading of the log.
"""
