-- Purpose: the noted balances of sampled players. Placeholders: cents of amount and balance. Parameters: tenant_ids, player_ids
-- (text[], same order), currency (text), unreadable_from (double), note_* (arrays of one length). Rows: one a note; amounts in
-- cents, unreadable ones left out. Reads the table of transactions once.
select *
from (
    select
        t.{transaction_player} as player_id,
        t.{transaction_key} as transaction_id,
        t.{transaction_created_at} as made_at,
        {balance_cents} - n.available * {transaction_cents} as before,
        n.available * {transaction_cents} as moved_available,
        n.holds_held as is_total
    from unnest(%(tenant_ids)s::text[], %(player_ids)s::text[]) as asked (tenant_id, player_id)
    join {transaction} t on t.{transaction_tenant} = asked.tenant_id and t.{transaction_player} = asked.player_id
    join unnest(
        %(note_types)s::text[], %(note_without_provider)s::boolean[], %(note_available)s::float8[], %(note_holds_held)s::boolean[]
    ) as n (type, without_provider, available, holds_held)
        on n.type = t.{transaction_type} and (not n.without_provider or coalesce(t.{transaction_provider}, '') = '')
    where t.{transaction_currency} = %(currency)s
) as noted
where before is not null and moved_available is not null and made_at between '0002-01-01' and '9999-01-01'
