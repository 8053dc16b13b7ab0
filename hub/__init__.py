"""The platform packages, which know nothing of disputes.

docs/architecture.md lists them.
"""
