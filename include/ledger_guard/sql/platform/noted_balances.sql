-- Purpose: what transactions noted of their player's balance, in cents: available before the move (and what was held then, where
-- `holds_held`). A note that can't be read proves nothing and is left out.
-- Placeholders: cents of the amount and balance columns, among_transactions (everyone.sql or chosen_alone.sql). Parameters: tenant_id (text, null: all), player_ids (text[],
-- null: all), currency, note_* (arrays of one
-- length: type, without_provider, available as a factor, holds_held, booked). Rows: one a note and ledger row on both sides that bears its id; only the first counts.
-- Reads the CTEs `balance` and `movement`.
select player_number, transaction_id, noted_at, holds_held, balance - moved as balance_before
from (
    select
        p.player_number,
        t.{transaction_key} as transaction_id,
        coalesce(
            b.booked_at,
            case when t.{transaction_created_at} between '0002-01-01' and '9999-01-01' then t.{transaction_created_at} end
        ) as noted_at,
        n.holds_held,
        {balance_cents} as balance,
        n.available * {transaction_cents} as moved
    from {transaction} t
    join note n on n.type = t.{transaction_type} and (not n.without_provider or coalesce(t.{transaction_provider}, '') = '')
    join balance p on p.tenant_id = t.{transaction_tenant} and p.player_id = t.{transaction_player}
    left join movement b
        on b.player_number = p.player_number and b.tx_id = t.{transaction_key} and b.is_of_both and b.booked_at is not null
    where (%(tenant_id)s::text is null or t.{transaction_tenant} = %(tenant_id)s)
      and (%(player_ids)s::text[] is null or t.{transaction_player} = any(%(player_ids)s))
      and {among_transactions}
      and t.{transaction_currency} = %(currency)s
      and (b.booked_at is not null or not n.booked)
) as note_in_cents
where balance is not null and moved is not null and noted_at is not null
