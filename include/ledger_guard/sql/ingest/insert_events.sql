-- Store the events that landed and are not known yet; of two with one key the one that landed first counts.
-- No parameters. The number of affected rows is the number of new events. Relies on access_event's unique keys, whichever they are.
insert into ledger_guard.access_event
    (
        event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, error_code_is_known, amount_cents,
        source_address
    )
select
    event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, error_code_is_known, amount_cents,
    source_address
from incoming_access_event
on conflict do nothing
