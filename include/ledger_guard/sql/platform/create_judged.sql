-- Purpose: places of this session's own: for what was found of one tenant's players, and for what they held before the ledger as
-- the guard saw it first (copied in) and as it is new to the guard. Parameters: none. Rows: none.
create temporary table judged (
    player_id          text    not null,
    finding            text,
    has_wallet         boolean not null,
    is_float_noise     boolean not null,
    is_protected       boolean not null,
    has_lost_update    boolean not null,
    player_bonus       bigint,
    player_available   bigint,
    player_held        bigint,
    wallet_available   bigint,
    wallet_pending     bigint,
    target_available   bigint,
    target_pending     bigint,
    opening_total      bigint,
    wallet_only_total  bigint,
    player_only_total  bigint,
    twice_total        bigint,
    foreign_total      bigint
);
create temporary table seen_opening (player_id text not null, available bigint not null, held bigint not null);
create temporary table new_opening (player_id text not null, available bigint not null, held bigint not null)
