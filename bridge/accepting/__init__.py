"""Acceptance: credential, checks, receipt and hand-off in one commit."""
