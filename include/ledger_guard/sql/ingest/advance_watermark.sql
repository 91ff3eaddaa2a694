-- State up to which moment a source has delivered everything; never moves backwards.
-- Parameters: source (text), complete_through, updated_at (timestamptz). Returns one row: the moment that holds now.
-- Relies on source_watermark's primary key.
insert into ledger_guard.source_watermark as known (source, complete_through, updated_at)
values (%(source)s, %(complete_through)s, %(updated_at)s)
on conflict (source) do update
set complete_through = greatest(known.complete_through, excluded.complete_through),
    updated_at = excluded.updated_at
returning complete_through
