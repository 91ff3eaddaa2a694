-- Bring in the verdicts of one `record` call.
-- Parameters: none; rows come over the copy protocol. Index relied on: none.
copy pg_temp.given_verdict (trigger, window_start, tenant_id, window_seconds, severity, scope, sentence, reasons) from stdin
