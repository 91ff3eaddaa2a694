"""Benchmark of the severity engine: seeded worlds with known truth, a scorer, and published rules to compare with."""
