-- Record what became of an announced file.
-- Parameters: ingest_id (uuid), lines, accepted, already_known, rejected (counts), first_event, last_event (timestamptz or null),
-- first_reject (text). Returns no rows; affects one. Relies on ingest_file's primary key.
update ledger_guard.ingest_file
set lines = %(lines)s, accepted = %(accepted)s, already_known = %(already_known)s, rejected = %(rejected)s,
    first_event = %(first_event)s, last_event = %(last_event)s, first_reject = %(first_reject)s
where ingest_id = %(ingest_id)s
