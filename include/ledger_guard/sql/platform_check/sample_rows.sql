-- Purpose: the ledger rows of sampled players in the plan's currency. Amounts in cents; unreadable rows are left out.
-- Placeholders: cents of the amount. Parameters: tenant_ids, player_ids (text[], same order), currency (text), unreadable_from
-- (double). Rows: one a ledger row. Index: the ledger's unique (tenant, player, …).
select *
from (
    select
        l.{ledger_player} as player_id,
        l.{ledger_type} as type,
        coalesce(l.{ledger_status}, '') as status,
        lower(l.{ledger_direction}) = 'credit' as is_credit,
        {ledger_cents}::bigint as cents,
        l.{ledger_created_at} as booked_at,
        nullif(l.{ledger_tx_id}, '') as tx_id
    from unnest(%(tenant_ids)s::text[], %(player_ids)s::text[]) as asked (tenant_id, player_id)
    join {ledger} l on l.{ledger_tenant} = asked.tenant_id and l.{ledger_player} = asked.player_id
    where l.{ledger_currency} = %(currency)s and lower(l.{ledger_direction}) in ('credit', 'debit')
) as booked
where cents is not null and booked_at between '0002-01-01' and '9999-01-01'
