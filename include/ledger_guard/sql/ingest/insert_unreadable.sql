-- Keep lines that may hide requests of a trigger, each once, however often its file comes.
-- Parameters: line_keys, paths, reasons (text[]), moments (timestamptz[]), the same number of each. Returns no rows.
-- Relies on unreadable_line's primary key.
insert into ledger_guard.unreadable_line (line_key, near, path, reason)
select distinct on (given.line_key) *
from unnest(%(line_keys)s::text[], %(moments)s::timestamptz[], %(paths)s::text[], %(reasons)s::text[])
    as given (line_key, near, path, reason)
-- the same line may be near another moment when its file comes again
where not exists (select from ledger_guard.unreadable_line as known where known.line_key = given.line_key)
order by given.line_key, given.near
on conflict (line_key, near) do nothing
