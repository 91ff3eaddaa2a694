-- Purpose: what is counted of one tenant beside its differing players. Parameters: tenant_id, currency (text).
-- Rows: exactly one. Index: the primary keys; needs the session's `differing` to be filled.
-- A player has at most one wallet of the currency, so wallets beyond the players that have one belong to nobody.
select
    p.players,
    d.float_noise,
    w.other_currency,
    w.in_currency - (p.players - d.without_wallet) + w.others_of_nobody as orphan
from
    (select count(*) as players from {player} where {player_tenant} = %(tenant_id)s) as p,
    (
        select
            count(*) filter (where finding = 'float_noise') as float_noise,
            count(*) filter (where not has_wallet) as without_wallet
        from differing
    ) as d,
    (
        select
            count(*) filter (where {wallet_currency} = %(currency)s) as in_currency,
            count(*) filter (where {wallet_currency} <> %(currency)s) as other_currency,
            count(*) filter (
                where {wallet_currency} <> %(currency)s
                  and not exists (
                      select from {player} owner
                      where owner.{player_key} = {wallet_player} and owner.{player_tenant} = %(tenant_id)s
                  )
            ) as others_of_nobody
        from {wallet}
        where {wallet_tenant} = %(tenant_id)s
    ) as w
