"""How readings become verdicts: baselines, tests, severity and scope."""
