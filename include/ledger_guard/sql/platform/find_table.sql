-- Purpose: whether a table exists at all, whoever may read it. Parameters: name (text, quoted and qualified). Rows: exactly one.
-- Reads the catalogue only.
select to_regclass(%(name)s) is not null as is_there
