-- Purpose: become the one writer of a tenant, for as long as this session lasts.
-- Parameters: key (bigint, from the tenant id). Rows: exactly one; is_locked is false when another session holds it.
select pg_try_advisory_lock(%(key)s) as is_locked
