-- Purpose: how many of a tenant's players have less available in their wallet than they should, or, where only a human can
-- say what that is, than the player row. Placeholders: judged (sql/platform/judged_wallets.sql). Parameters: those of the part,
-- with tenant_id. Rows: exactly one. Index: as the part's.
select
    count(*) as players,
    count(*) filter (
        where coalesce(wallet_available, 0) < case
            when split_part(finding, '/', 1) in ('unexplained', 'unreadable') then player_available
            else target_available
        end
    ) as behind
from (
    {judged}
) as player_judged
