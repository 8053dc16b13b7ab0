"""The REST edge: application factory, problem details, limits, idempotency keys, and the HTTP server as a part."""
