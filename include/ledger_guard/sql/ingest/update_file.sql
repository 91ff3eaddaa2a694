-- Record what became of an announced file.
-- Parameters: ingest_id (uuid), lines, accepted, already_known, rejected (counts). Returns no rows; affects one.
-- Relies on ingest_file's primary key.
update ledger_guard.ingest_file
set lines = %(lines)s, accepted = %(accepted)s, already_known = %(already_known)s, rejected = %(rejected)s
where ingest_id = %(ingest_id)s
