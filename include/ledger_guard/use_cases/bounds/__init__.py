"""Limits of the guard's own writes, and the stop that holds them all."""
