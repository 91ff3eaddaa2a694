"""The audit log: verify it, export it, and keep its head elsewhere."""
