-- Purpose: tell the planner how many players differ. Parameters: none. Rows: none.
analyze differing
