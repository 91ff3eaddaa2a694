"""Readings and verdicts in files."""
