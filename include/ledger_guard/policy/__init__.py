"""The policy: the runbook's decision matrix and every number, as validated data."""
