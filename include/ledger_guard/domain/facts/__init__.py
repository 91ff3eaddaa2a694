"""What the audit log records: one small type per fact, and the JSON codec for all of them."""
