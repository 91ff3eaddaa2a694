-- Keep rejected lines. Rows come through COPY: ingest_id, line_number, reason, excerpt. Returns no rows.
copy ledger_guard.ingest_reject (ingest_id, line_number, reason, excerpt) from stdin
