"""Tests, by what they prove: unit, contract, service, system."""
