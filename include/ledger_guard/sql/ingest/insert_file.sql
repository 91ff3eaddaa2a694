-- Announce a file, so that its rejected lines have something to hang on.
-- Parameters: ingest_id (uuid), file_name, sha256, mapping (text). Returns no rows.
insert into ledger_guard.ingest_file
    (ingest_id, file_name, sha256, mapping, lines, accepted, already_known, rejected, ingested_at)
values
    (%(ingest_id)s, %(file_name)s, %(sha256)s, %(mapping)s, 0, 0, 0, 0, now())
