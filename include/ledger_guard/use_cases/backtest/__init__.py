"""A policy applied to recorded readings."""
