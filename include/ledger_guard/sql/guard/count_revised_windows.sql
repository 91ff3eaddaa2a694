-- How many of the given windows were revised.
-- Parameters: none. Rows: exactly one. Index relied on: none, it reads the given windows once.
select count(*) as revised from pg_temp.given_window where is_revised
