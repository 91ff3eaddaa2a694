-- Make the session's landing table for one transaction's access events. No parameters, no rows.
create temporary table if not exists incoming_access_event
    (like ledger_guard.access_event including defaults) on commit drop
