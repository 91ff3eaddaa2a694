-- Log files that are followed: how far each was read, stored with the events that were read.
set local lock_timeout = '10s';
set local statement_timeout = '60s';

alter table ledger_guard.ingest_file
    add column first_event  timestamptz,
    add column last_event   timestamptz,
    add column first_reject text not null default '';

create table ledger_guard.followed_log (
    position_id       uuid        primary key,
    ingest_id         uuid        not null references ledger_guard.ingest_file,
    path              text        not null,
    file_id           text,                          -- device and inode; null once another file has them
    fingerprint       text        not null,          -- SHA-256 of the first fingerprint_bytes bytes of the content
    fingerprint_bytes bigint      not null check (fingerprint_bytes > 0),
    read_bytes        bigint      not null check (read_bytes > 0),
    checksum          bigint      not null,          -- CRC-32 of the bytes that were read
    read_lines        bigint      not null,
    near              timestamptz,                   -- time of the event that was read last
    seen_bytes        bigint      not null,          -- size on the disk
    seen_at           timestamptz not null,
    state             text        not null check (state in ('open', 'unpacking', 'ended', 'given_up', 'lost'))
);
create unique index followed_log_by_file on ledger_guard.followed_log (file_id) where file_id is not null;
