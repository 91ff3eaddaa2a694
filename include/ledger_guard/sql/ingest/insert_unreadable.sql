-- Keep lines that may hide requests of a trigger, each once, however often its file comes.
-- Parameters: line_keys, paths, reasons (text[]), moments (timestamptz[]), the same number of each. Returns no rows.
-- Relies on unreadable_line's primary key.
insert into ledger_guard.unreadable_line (line_key, near, path, reason)
select * from unnest(%(line_keys)s::text[], %(moments)s::timestamptz[], %(paths)s::text[], %(reasons)s::text[])
on conflict (line_key) do nothing
