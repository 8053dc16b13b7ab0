"""Intake: the register of disputes, the only writer of dispute state (design D2)."""
