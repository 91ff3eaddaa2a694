"""Access logs into access events, and the check of the platform against the policy."""
