-- Store the events that landed and are not known yet; of two with one key and moment one counts.
-- No parameters. The number of affected rows is the number of new events. Relies on access_event's primary key.
insert into ledger_guard.access_event
    (
        event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, error_code_is_known, amount_cents,
        source_address
    )
select distinct on (event_key, event_time)
    event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, error_code_is_known, amount_cents,
    source_address
from incoming_access_event
order by event_key, event_time
on conflict (event_key, event_time) do nothing
