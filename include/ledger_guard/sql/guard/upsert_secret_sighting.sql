-- Note that a secret was in use at a moment; the first moment stays the first, the last the last.
-- Parameters: secret_name, fingerprint, seen_at (timestamptz). Rows: none. Index relied on: primary key of secret_sighting.
insert into ledger_guard.secret_sighting as known (secret_name, fingerprint, first_seen_at, last_seen_at)
values (%(secret_name)s, %(fingerprint)s, %(seen_at)s, %(seen_at)s)
on conflict (secret_name, fingerprint) do update
set first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)
