-- Keeps guard state. What is evidence it adds to and never changes; it deletes only what is judged or sensed anew, and places in
-- logs that are gone, and drops partitions only through functions that know which.
revoke all on all tables in schema ledger_guard from {role};
grant usage on schema ledger_guard to {role};
grant select, insert, update on all tables in schema ledger_guard to {role};
revoke update on
    ledger_guard.audit_entry, ledger_guard.before_image, ledger_guard.approval_answer, ledger_guard.plan_row,
    ledger_guard.row_left_alone, ledger_guard.seen_opening
from {role};
revoke insert, update on ledger_guard.schema_version from {role};
revoke insert, update on ledger_guard.plan_row_state from {role};
revoke insert on ledger_guard.audit_head from {role};
grant delete on
    ledger_guard.signal_window, ledger_guard.verdict, ledger_guard.engine_checkpoint, ledger_guard.judged_window,
    ledger_guard.followed_log, ledger_guard.standing_mismatch
to {role};
grant execute on function
    ledger_guard.make_partition(text, timestamptz, timestamptz),
    ledger_guard.drop_partition(text, integer),
    ledger_guard.clear_default(text, timestamptz, integer)
to {role};
revoke update on ledger_guard.kept_verdict from {role}
