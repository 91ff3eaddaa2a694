"""Ledger Guard: watches a ledger rollout, repairs tenant by tenant, rolls flags back behind approvals."""
