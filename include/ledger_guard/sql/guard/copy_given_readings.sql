-- Bring in the readings of one `record` call.
-- Parameters: none; rows come over the copy protocol. Index relied on: none.
copy pg_temp.given_reading
    (
        trigger, window_start, tenant_id, window_seconds, events, exposure, subjects, at_risk_cents, without_amount, by_cause,
        differs_since
    )
from stdin
