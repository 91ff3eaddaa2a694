"""How long the audit log takes to verify and to append to."""
