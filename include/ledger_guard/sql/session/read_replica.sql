-- Purpose: whether a replica shows what the primary has. Parameters: none. Rows: exactly one. lag_seconds is null when nothing
-- tells how old its data are. Fails on a primary.
-- One that has replayed all that it was sent lags by nothing, however long the primary has been idle; but only while it is
-- connected, else nobody knows what it was not sent. Without pg_read_all_stats a login sees of the receiver that it is there.
select
    pg_is_wal_replay_paused() as is_paused,
    case
        when exists (
            select from pg_stat_wal_receiver r
            where r.pid is not null
              and coalesce(r.status, 'streaming') = 'streaming'
              and pg_last_wal_replay_lsn() >= coalesce(r.latest_end_lsn, pg_last_wal_receive_lsn())
        ) then 0.0
        else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::double precision
    end as lag_seconds
