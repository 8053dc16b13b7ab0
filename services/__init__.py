"""The five services.

Each has its own reason to be separate (ADR-0001).
"""
