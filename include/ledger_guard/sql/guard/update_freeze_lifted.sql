-- Lift a freeze that stands.
-- Parameters: freeze_id (uuid), lifted_at (timestamptz), lifted_by, root_cause, root_cause_link,
-- root_cause_owner, root_cause_by. Rows: one or none. Index relied on: primary key of freeze.
update ledger_guard.freeze
set lifted_at = %(lifted_at)s, lifted_by = %(lifted_by)s, root_cause = %(root_cause)s, root_cause_link = %(root_cause_link)s,
    root_cause_owner = %(root_cause_owner)s, root_cause_by = %(root_cause_by)s
where freeze_id = %(freeze_id)s and lifted_at is null
returning freeze_id
