-- Purpose: what is counted of one tenant beside its findings. Parameters: tenant_id, currency (text), fill_bonus (boolean).
-- Rows: exactly one. Index: the primary keys; needs the session's `judged` to be filled.
-- A player has at most one wallet of the currency, so wallets beyond the players that have one belong to nobody.
select
    p.players,
    j.float_noise,
    j.protected,
    j.player_row_wrong,
    j.missing_with_bonus,
    case when %(fill_bonus)s then 0 else j.bonus_lost end as bonus_lost,
    w.other_currency,
    w.in_currency - (p.players - j.without_wallet) + w.others_of_nobody as orphan
from
    (select count(*) as players from {player} where {player_tenant} = %(tenant_id)s) as p,
    (
        select
            count(*) filter (where is_float_noise) as float_noise,
            count(*) filter (where is_protected) as protected,
            count(*) filter (where has_lost_update) as player_row_wrong,
            count(*) filter (where finding like 'missing/%%' and player_bonus > 0) as missing_with_bonus,
            coalesce(sum(player_bonus) filter (where finding like 'missing/%%' and player_bonus > 0), 0)::bigint as bonus_lost,
            count(*) filter (where not has_wallet) as without_wallet
        from judged
    ) as j,
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
