-- Purpose: take a lock of this session's own among a tenant's writers, for as long as the session lasts.
-- Parameters: key (int, from the tenant id), slot (int, made up by this session), wallet (text, the quoted name of the wallet table).
-- Rows: exactly one; is_locked is false when another session holds this very lock; is_seen: this login counts as a writer.
select
    pg_try_advisory_lock(%(key)s::int, %(slot)s::int) as is_locked,
    session_user::text as login,
    has_any_column_privilege(session_user, to_regclass(%(wallet)s), 'update, insert') as is_seen
