-- Lines that could not be read and may hide a trigger's requests: a window with many of them has no data.
set local lock_timeout = '10s';
create table ledger_guard.unreadable_line (
    line_key text primary key,
    near timestamptz not null,
    path text not null,
    reason text not null
);
create index unreadable_line_by_time on ledger_guard.unreadable_line (near);
-- A client may send its request id again with each attempt: an answer is known by more than that (adapters/access_log).
update ledger_guard.access_event
set event_key = 'request:' || encode(sha256(convert_to(concat_ws(
        e'\n', event_key, (extract(epoch from event_time) * 1000000)::bigint, tenant_id, method, path, status), 'UTF8')), 'hex')
where event_key not like 'line:%';
