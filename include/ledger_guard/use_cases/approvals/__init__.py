"""What may be done: by people's answers, by grants to runs, within budgets, unless the guard is stopped; and what waits."""
