-- Purpose: how many rows were deleted from the platform's tables so far, by the server's own count. To be read in a transaction
-- before that of the comparison: what is counted then is seen there. Counted a moment after the commit; starts anew after a crash.
-- Partitions and tables that inherit count too. Parameters: tables (text[], quoted names). Rows: one; null where the server does not count: a replica, or with track_counts off.
select case
    when pg_is_in_recovery() or not current_setting('track_counts')::boolean then null
    else sum(pg_stat_get_tuples_deleted(part.relid))
end::bigint as deleted_rows
from unnest(%(tables)s::text[]) as t (name)
cross join lateral (
    with recursive kin as (
        select to_regclass(t.name)::oid as relid
        union
        select i.inhrelid from pg_inherits i join kin on kin.relid = i.inhparent
    )
    select relid from kin
) as part
