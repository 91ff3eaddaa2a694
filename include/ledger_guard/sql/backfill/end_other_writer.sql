-- Purpose: end the sessions of this very login that hold the tenant's writer lock for a backfill: their writer was superseded and did not
-- end by itself. Their open transaction is rolled back. Parameters: key (int, from the tenant id). Rows: one a session that was
-- told to end. Two halves of a key stand in classid and objid; objsubid 2 tells that.
select l.pid, pg_terminate_backend(l.pid) as is_told
from pg_locks l
join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory'
  and l.database = (select oid from pg_database where datname = current_database())
  and l.classid::bigint = %(key)s
  and l.objsubid = 2
  and l.granted
  and l.pid <> pg_backend_pid()
  and a.usename = session_user
  and a.application_name = 'ledger_guard/backfill'
