-- Purpose: whether the platform's database is well enough for the next batch. Parameters: none. Rows: exactly one.
-- Without pg_monitor a login sees neither the age of others' transactions nor replicas: both then look well.
select
    (select count(distinct pid) from pg_locks where not granted) as waiting_sessions,
    (
        select coalesce(extract(epoch from max(clock_timestamp() - xact_start)), 0)::double precision
        from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    ) as longest_transaction_seconds,
    (select extract(epoch from max(replay_lag))::double precision from pg_stat_replication) as replica_lag_seconds
