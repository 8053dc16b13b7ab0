"""Who calls: credentials, their verification, and the caller of a request."""
