"""A policy played over recorded readings."""
