-- How many people had to agree when a question was asked, and which of them it was for.
alter table ledger_guard.approval add column approvers_needed integer not null default 1 check (approvers_needed in (1, 2));
alter table ledger_guard.approval add column ordinal integer not null default 1 check (ordinal between 1 and approvers_needed);
-- What the incident was then; empty without one, and on questions that were asked before this column came.
alter table ledger_guard.approval add column incident_state text not null default '';
-- A named person acted alone: nobody else was asked.
alter table ledger_guard.approval add column is_break_glass boolean not null default false;
-- When people were reminded that the question expires soon.
alter table ledger_guard.approval add column escalated_at timestamptz;
alter table ledger_guard.approval alter column approvers_needed drop default;
alter table ledger_guard.approval alter column ordinal drop default;
alter table ledger_guard.approval alter column incident_state drop default;
alter table ledger_guard.approval alter column is_break_glass drop default;
