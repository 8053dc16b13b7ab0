"""The REST server and everything around its requests.

It contains the application factory, problem details, limits, idempotency keys, and the HTTP server as a part.
"""
