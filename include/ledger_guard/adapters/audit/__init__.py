"""The audit log's keys, and where its end is kept."""
