-- Purpose: how many of a tenant's players have less available in their wallet than they should. Placeholders: judged
-- (sql/platform/judged_wallets.sql). Parameters: those of the part, with tenant_id. Rows: exactly one. Index: as the part's.
select
    count(*) as players,
    count(*) filter (
        where finding is not null and not is_right and coalesce(wallet_available, 0) < target_available
          and split_part(finding, '/', 1) not in ('unexplained', 'unreadable')
    ) as behind
from (
    {judged}
) as player_judged
