-- The partitions of guard state's tables, without the default ones, oldest first, and their sizes with indexes.
-- Parameters: none. Rows: one a partition. Index relied on: none, the catalog is small. Bounds are told in the session's own
-- zone with its offset, so that any zone reads them right.
select table_name, partition_name, bounds[1]::timestamptz as starts, bounds[2]::timestamptz as ends, size_bytes
from (
    select
        parent.relname::text as table_name,
        child.relname::text as partition_name,
        regexp_match(pg_get_expr(child.relpartbound, child.oid), $bound$FROM \('([^']+)'\) TO \('([^']+)'\)$bound$) as bounds,
        pg_total_relation_size(child.oid) as size_bytes
    from pg_inherits as link
    join pg_class as child on child.oid = link.inhrelid
    join pg_class as parent on parent.oid = link.inhparent
    where parent.relnamespace = to_regnamespace('ledger_guard') and parent.relkind = 'p' and child.relkind = 'r'
) as found
where bounds is not null
order by table_name, starts
