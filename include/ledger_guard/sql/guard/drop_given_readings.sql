-- Make room for another `record` call in the same transaction.
-- Parameters: none. Rows: none. Index relied on: none.
drop table pg_temp.given_window, pg_temp.given_reading
