-- Purpose: what a session that was just opened really is, to be held against what was asked for. Parameters: names (text[],
-- settings). Rows: one a setting that this server has, each with the session's mark and whether the server is a replica;
-- numbers in the setting's own unit. Reads no table.
select
    name,
    setting,
    current_setting('ledger_guard.session', true) as mark,
    pg_is_in_recovery() as is_replica
from pg_settings
where name = any(%(names)s)
