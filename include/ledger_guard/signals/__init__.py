"""What each trigger means: its nouns, its triage, its allowed actions and what a restore needs."""
