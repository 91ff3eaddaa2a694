"""What each trigger means: its nouns, its triage, what it allows and what a restore has to see."""
