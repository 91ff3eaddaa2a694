-- Purpose: stop being the one writer of a tenant. Parameters: key, slot (int, as it was taken). Rows: exactly one.
select pg_advisory_unlock(%(key)s::int, %(slot)s::int) as was_held
