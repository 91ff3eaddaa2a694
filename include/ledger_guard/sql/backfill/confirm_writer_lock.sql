-- Purpose: whether this very session holds a tenant's writer lock now. Parameters: key (bigint, from the tenant id).
-- Rows: exactly one. Reads the lock table only. A 64-bit key stands there in two halves; objsubid 1 tells that.
select exists (
    select
    from pg_locks
    where locktype = 'advisory'
      and pid = pg_backend_pid()
      and database = (select oid from pg_database where datname = current_database())
      and ((classid::bigint << 32) | objid::bigint) = %(key)s
      and objsubid = 1
      and granted
) as is_held
