-- Purpose: stop being the one writer of a tenant. Parameters: key (bigint, as it was taken). Rows: exactly one.
select pg_advisory_unlock(%(key)s) as was_held
