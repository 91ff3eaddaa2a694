-- Keeps the journal of a backfill; approvals, freezes, incidents and verdicts it reads.
revoke all on all tables in schema ledger_guard from {role};
grant usage on schema ledger_guard to {role};
grant select on all tables in schema ledger_guard to {role};
grant insert on ledger_guard.plan_row, ledger_guard.before_image, ledger_guard.row_left_alone, ledger_guard.audit_entry,
    ledger_guard.seen_opening to {role};
grant insert, update on ledger_guard.plan, ledger_guard.backfill_progress, ledger_guard.backfill_steering,
    ledger_guard.writer_lease to {role};
grant update on ledger_guard.audit_head to {role}
