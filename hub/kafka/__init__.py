"""The only room that knows Kafka and Faust: worker, transport, publisher, provisioning, dead letters, in-memory bus."""
