"""Benchmarks: figures as ratios against a floor, both measured in the same run."""
