-- Keep how far a followed log was read, unless it was read further meanwhile.
-- Parameters: the columns; known_bytes (bigint; null: not stored yet). Returns no rows; affects one, or none when it was.
-- Relies on followed_log's primary key. Fails where another position has the file.
insert into ledger_guard.followed_log as known
    (
        position_id, ingest_id, path, file_id, fingerprint, fingerprint_bytes, read_bytes, checksum, read_lines, near, seen_bytes,
        seen_at, state
    )
values
    (
        %(position_id)s, %(ingest_id)s, %(path)s, %(file_id)s, %(fingerprint)s, %(fingerprint_bytes)s, %(read_bytes)s,
        %(checksum)s, %(read_lines)s, %(near)s, %(seen_bytes)s, %(seen_at)s, %(state)s
    )
on conflict (position_id) do update
set path = excluded.path, file_id = excluded.file_id, fingerprint = excluded.fingerprint,
    fingerprint_bytes = excluded.fingerprint_bytes, read_bytes = excluded.read_bytes, checksum = excluded.checksum,
    read_lines = excluded.read_lines, near = excluded.near, seen_bytes = excluded.seen_bytes, seen_at = excluded.seen_at,
    state = excluded.state
where known.read_bytes = %(known_bytes)s::bigint
