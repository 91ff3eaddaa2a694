-- Purpose: where a trigger's refused requests came from: the addresses with most of them, and what they sent beside.
-- Parameters: start, end (timestamptz, half-open), method, path (text), path_is_prefix (boolean), status (integer), at_most (rows).
-- Rows: at most `at_most`, one an address, most refusals first; at the end, where it has a place, one whose address is null, for
-- calls without one. Each row has the totals of all addresses; no row without refusals. Index: access_event_by_time.
with senders as (
    select
        host(source_address) as address,
        count(*) filter (where status = %(status)s) as refused,
        count(*) filter (where status <> %(status)s) as accepted
    from ledger_guard.access_event
    where event_time >= %(start)s
      and event_time < %(end)s
      and method = %(method)s
      and (path = %(path)s or (%(path_is_prefix)s and starts_with(path, %(path)s)))
      and (status between 200 and 299 or status = %(status)s)
    group by source_address
    having count(*) filter (where status = %(status)s) > 0
)
select
    address,
    refused,
    accepted,
    count(address) over () as addresses,
    (sum(refused) over ())::bigint as refused_in_all,
    coalesce((sum(refused) filter (where address is null) over ())::bigint, 0) as without_address
from senders
order by address is null, refused desc, address collate "C"
limit %(at_most)s
