-- Purpose: who else holds a writer lock of the tenant and may write wallets. What a login that can't write holds does not count.
-- Parameters: key (int, from the tenant id), wallet (text, the quoted name of the wallet table).
-- Rows: at most one; since is null where this login may not see it. Two halves of a key stand in classid and objid; objsubid 2 tells
-- that. A session that can't be told counts.
select l.pid, coalesce(a.usename::text, 'unknown') as login, coalesce(a.application_name, '') as application, a.backend_start as since
from pg_locks l
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory'
  and l.database = (select oid from pg_database where datname = current_database())
  and l.classid::bigint = %(key)s
  and l.objsubid = 2
  and l.granted
  and l.pid <> pg_backend_pid()
  and coalesce(has_any_column_privilege(a.usesysid, to_regclass(%(wallet)s), 'update, insert'), true)
order by l.pid
limit 1
