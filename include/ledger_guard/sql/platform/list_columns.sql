-- Purpose: which columns of the mapped tables this role can see.
-- Parameters: schema (text), tables (text[]). Rows: one a column, some dozens. Reads the catalogue only.
select table_name::text as table_name, column_name::text as column_name
from information_schema.columns
where table_schema = %(schema)s
  and table_name = any(%(tables)s)
