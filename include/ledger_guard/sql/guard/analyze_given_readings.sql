-- Tell the planner how big the given tables are: the first run brings millions of rows, the others some hundred.
-- Parameters: none. Rows: none. Index relied on: none.
analyze pg_temp.given_window, pg_temp.given_reading
