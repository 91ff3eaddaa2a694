"""The audit log: verified, exported, its end kept elsewhere."""
