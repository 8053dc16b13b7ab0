"""`make secured`: what each service may do at a Kafka with TLS, SCRAM and rules, tried both ways; the demo there."""
