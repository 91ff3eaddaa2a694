-- What a player held before the ledger, as the guard saw it first: player row less its ledger rows, or as a balance was noted. No
-- ledger row can change it, so a player row that gives more later was raised without one.
create table ledger_guard.seen_opening (
    tenant_id text        not null,
    -- hash of what the policy says about ledger and notes: by other words another opening follows
    words     text        not null,
    player_id text        not null,
    available bigint      not null,
    held      bigint      not null,
    seen_at   timestamptz not null,
    primary key (tenant_id, words, player_id)
);
create trigger seen_opening_is_append_only before update or delete or truncate on ledger_guard.seen_opening
    for each statement execute function ledger_guard.refuse_change();
