-- Purpose: what player and wallet of certain players have available, and what the wallet should have, to tell "short of funds" from
-- "wallet behind". Placeholders: judged (sql/platform/judged_wallets.sql). Parameters: those of the part, with tenant_id and
-- player_ids. Rows: one a player that exists; amounts in cents, null where the row is missing or an amount can't be read, the
-- target also where only a human may settle it. Index: as the part's, by tenant and player.
select
    player_id,
    player_available::bigint as player_available,
    wallet_available::bigint as wallet_available,
    case
        when coalesce(finding, '') not like 'unexplained/%%' and coalesce(finding, '') not like 'unreadable/%%'
            then target_available::bigint
    end as target_available
from (
    {judged}
) as player_judged
