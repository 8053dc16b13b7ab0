"""Benchmarks beside peers that we did not write: a command for each question, ratios in one run."""
