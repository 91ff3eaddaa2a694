"""Access logs into access events, and the platform held against the policy."""
