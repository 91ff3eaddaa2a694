-- Purpose: which database and tables a comparison reads, and which transactions it may not have seen.
-- Parameters: tables (text[], quoted names). Rows: one. `place` is another text after a failover, a restore, truncate, a rewrite or new columns,
-- and after a start of the server, a crash or a reset of its counts: files may be older ones then, and the count of deleted rows began anew.
-- The numbers are whole ones, not cut to 32 bits; both are the truth for this transaction's snapshot, on a replica too.
select
    concat_ws(
        ' ',
        current_database(),
        (select timeline_id from pg_control_checkpoint()),
        extract(epoch from pg_postmaster_start_time()),
        -- a crash leaves the start time alone, and resets what the server counts
        extract(epoch from pg_stat_get_bgwriter_stat_reset_time()),
        (
            select extract(epoch from pg_stat_get_db_stat_reset_time(d.oid))
            from pg_database d
            where d.datname = current_database()
        ),
        (
            select string_agg(
                format('%%s:%%s:%%s:%%s', t.name, c.oid, pg_relation_filenode(c.oid), shape.columns), ' ' order by t.place, c.oid
            )
            from unnest(%(tables)s::text[]) with ordinality as t (name, place)
            cross join lateral (
                with recursive kin as (
                    select to_regclass(t.name)::oid as relid
                    union
                    select i.inhrelid from pg_inherits i join kin on kin.relid = i.inhparent
                )
                select relid from kin
            ) as part
            join pg_class c on c.oid = part.relid
            cross join lateral (
                -- a column that gives its name to another makes no new version of any row
                select md5(string_agg(format('%%s %%s', a.attnum, a.attname), ',' order by a.attnum)) as columns
                from pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ) as shape
        )
    ) as place,
    (
        select bool_and(coalesce(c.relkind in ('r', 'p'), false))
        from unnest(%(tables)s::text[]) as t (name)
        cross join lateral (
            with recursive kin as (
                select to_regclass(t.name)::oid as relid
                union
                select i.inhrelid from pg_inherits i join kin on kin.relid = i.inhparent
            )
            select relid from kin
        ) as part
        left join pg_class c on c.oid = part.relid
    ) as has_versions,
    oldest_open,
    oldest_open + age((oldest_open %% 4294967296)::text::xid) as next_transaction
from (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest_open) as snapshot
