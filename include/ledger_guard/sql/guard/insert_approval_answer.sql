-- Store an answer; the first one stays.
-- Parameters: every column. Rows: one when stored, none when there is an answer. Index relied on: primary key of approval_answer.
insert into ledger_guard.approval_answer (approval_id, answer, answered_by, answered_at, reason)
values (%(approval_id)s, %(answer)s, %(answered_by)s, %(answered_at)s, %(reason)s)
on conflict (approval_id) do nothing
returning approval_id
