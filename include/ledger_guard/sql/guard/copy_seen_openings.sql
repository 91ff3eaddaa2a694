-- What a tenant's players held before the ledger when the guard looked first, by the same ledger words, over the copy protocol.
-- Parameters: tenant_id, words (text). Rows: one a player. Index relied on: primary key of seen_opening.
copy (
    select player_id, available, held
    from ledger_guard.seen_opening
    where tenant_id = %(tenant_id)s and words = %(words)s
) to stdout
