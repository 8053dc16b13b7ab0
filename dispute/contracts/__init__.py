"""Contracts between processes.

Topic catalogue, sealing, the codec wire <-> lifecycle, and the snapshot.
"""
