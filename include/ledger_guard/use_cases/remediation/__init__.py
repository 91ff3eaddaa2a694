"""One incident: do what the policy names, wait for it, report."""
