-- Purpose: how many of these events are not stored yet. Parameters: event_keys (text[]), moments (timestamptz[]), as many of each.
-- Rows: one. Index: access_event's primary key.
select count(*) as events
from unnest(%(event_keys)s::text[], %(moments)s::timestamptz[]) as given (event_key, event_time)
where not exists (
    select from ledger_guard.access_event as known
    where known.event_key = given.event_key and known.event_time = given.event_time
)
