"""What the use cases share about an incident: its cases, runs and records."""
