"""What the audit log records: one small type for each thing, by concern, and the one JSON form that all of them have."""
