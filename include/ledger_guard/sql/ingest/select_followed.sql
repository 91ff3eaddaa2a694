-- Every followed log, with the result of its file so far. No parameters.
select
    log.position_id, log.ingest_id, log.path, log.file_id, log.fingerprint, log.fingerprint_bytes, log.read_bytes, log.checksum,
    log.read_lines, log.near, log.seen_bytes, log.seen_at, log.state,
    file.file_name, file.sha256, file.mapping, file.lines, file.accepted, file.already_known, file.rejected, file.first_event,
    file.last_event, file.first_reject
from ledger_guard.followed_log as log
join ledger_guard.ingest_file as file using (ingest_id)
order by log.seen_at, log.position_id
