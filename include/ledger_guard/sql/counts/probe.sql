-- Fail when the database does not answer. No parameters. Rows: one.
select 1
