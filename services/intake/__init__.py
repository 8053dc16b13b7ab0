"""Intake keeps the register of disputes.

It is the only writer of dispute state.
"""
