-- Store access events, none of which may be known: else the whole copy fails. Rows come through COPY, in the order of the columns.
-- The number of affected rows is their number. Relies on access_event's unique keys.
copy ledger_guard.access_event
    (
        event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, error_code_is_known, amount_cents,
        source_address
    )
from stdin
