-- Purpose: whether this very session holds the writer lock that it took. Parameters: key, slot (int, as it was taken).
-- Rows: exactly one. Reads the lock table only. Two halves of a key stand in classid and objid; objsubid 2 tells that.
select exists (
    select
    from pg_locks
    where locktype = 'advisory'
      and pid = pg_backend_pid()
      and database = (select oid from pg_database where datname = current_database())
      and classid::bigint = %(key)s
      and objid::bigint = %(slot)s
      and objsubid = 2
      and granted
) as is_held
