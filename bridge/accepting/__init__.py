"""Acceptance: checks, then receipt and hand-off in one commit."""
