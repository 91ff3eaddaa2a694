-- Purpose: event time of a rehearsal on the sandbox platform. Rows: exactly one. Fails where there is no sandbox.
select now() + coalesce((select ahead from ledger_sandbox.clock), interval '0') as event_time
