"""Questions to people, their answers, and what an answer permits."""
