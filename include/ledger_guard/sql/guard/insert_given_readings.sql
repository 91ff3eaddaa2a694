-- Store the readings of new and of revised windows.
-- Parameters: none. Rows: none. Index relied on: primary key of given_window.
insert into ledger_guard.signal_window
    (
        trigger, window_start, tenant_id, window_seconds, events, exposure, subjects, at_risk_cents, without_amount, by_cause,
        differs_since
    )
select
    reading.trigger, reading.window_start, reading.tenant_id, reading.window_seconds, reading.events, reading.exposure,
    reading.subjects, reading.at_risk_cents, reading.without_amount, reading.by_cause, reading.differs_since
from pg_temp.given_reading as reading
join pg_temp.given_window as given
    on given.trigger = reading.trigger and given.window_start = reading.window_start
where given.is_new or given.is_revised
