-- Take access events in. Rows come through COPY, in the order of the columns below. Returns no rows.
copy incoming_access_event
    (
        event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, error_code_is_known, amount_cents,
        source_address
    )
from stdin
