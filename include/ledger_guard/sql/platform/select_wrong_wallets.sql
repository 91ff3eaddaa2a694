-- Purpose: which of some players of a tenant have a wallet that is not right now, and how far off it is.
-- Placeholders: judged (sql/platform/judged_wallets.sql). Parameters: those of the part, with tenant_id and player_ids.
-- Rows: one such player, by id; cause is the finding's first word; cents: how far off the two amounts are, each by itself, 0 where
-- only a human can tell. Index: as the part's, by tenant and player.
select
    player_id,
    split_part(finding, '/', 1) as cause,
    case
        when finding like 'unexplained/%%' or finding like 'unreadable/%%' then 0
        else abs(target_available - coalesce(wallet_available, 0)) + abs(target_pending - coalesce(wallet_pending, 0))
    end::bigint as cents
from (
    {judged}
) as player_judged
where finding is not null
order by player_id
