-- Keep what was seen for the first time; what was seen before stays. Parameters: tenant_id, words (text), seen_at (timestamptz).
-- Rows: none. Index relied on: primary key of seen_opening.
insert into ledger_guard.seen_opening (tenant_id, words, player_id, available, held, seen_at)
select %(tenant_id)s, %(words)s, player_id, available, held, %(seen_at)s
from new_opening
on conflict (tenant_id, words, player_id) do nothing
