-- Reads all of guard state: for people, boards and auditors.
revoke all on all tables in schema ledger_guard from {role};
grant usage on schema ledger_guard to {role};
grant select on all tables in schema ledger_guard to {role}
