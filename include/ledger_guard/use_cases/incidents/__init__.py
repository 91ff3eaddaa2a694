"""What the concerns share about an incident: its cases, its runs, its record."""
