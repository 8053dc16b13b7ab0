"""`make revocation`: how soon a revoked credential is refused everywhere, and whether a rotation refuses anybody."""
