-- Purpose: tell the planner how many players were found. Parameters: none. Rows: none.
analyze judged
