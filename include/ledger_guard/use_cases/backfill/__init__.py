"""One tenant: plan, review, force, verify, undo."""
