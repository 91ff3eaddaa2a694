-- Purpose: the newest ledger rows of some players of a tenant, as they are booked.
-- Parameters: tenant_id (text), player_ids (text[]), at_most (integer, rows a player). Rows: at most that many a player, newest
-- first; created_at is null where it is no date. Index: the ledger's unique (tenant, player, type, idempotency key), by its first two columns.
select player_id, type, direction, amount, currency, status, tx_id, provider_ref, created_at
from (
    select
        l.{ledger_player} as player_id,
        l.{ledger_type} as type,
        coalesce(l.{ledger_direction}, '') as direction,
        l.{ledger_amount}::float8 as amount,
        l.{ledger_currency} as currency,
        l.{ledger_status} as status,
        l.{ledger_tx_id} as tx_id,
        l.{ledger_reference} as provider_ref,
        d.created_at,
        row_number() over (partition by l.{ledger_player} order by d.created_at desc nulls last) as place
    from {ledger} l
    cross join lateral (
        select case when l.{ledger_created_at} between '0002-01-01' and '9999-01-01' then l.{ledger_created_at} end as created_at
    ) d
    where l.{ledger_tenant} = %(tenant_id)s and l.{ledger_player} = any(%(player_ids)s)
) as in_turn
where place <= %(at_most)s
order by player_id, place
