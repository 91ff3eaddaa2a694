-- Purpose: a place of this session's own for one tenant's differing players, so that the planner knows how few they are when
-- it looks their movements up. Parameters: none. Rows: none.
create temporary table differing (
    player_id        text    not null,
    finding          text    not null,
    has_wallet       boolean not null,
    player_available bigint,
    player_held      bigint,
    wallet_available bigint,
    wallet_pending   bigint
)
