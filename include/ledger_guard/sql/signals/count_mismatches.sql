-- Purpose: compared balances over all tenants in one statement: players whose wallet is not what the evidence gives, or can't be judged, out of all
-- players. What is counted is what a plan would hold: the rule is domain/differences.py.
-- Placeholders: judged (judged_wallets.sql). Parameters: those of the part, with no tenant_id. Rows: one a tenant with players.
select
    tenant_id,
    count(*) as exposure,
    count(finding) as events
from (
    {judged}
) as player_judged
group by tenant_id
order by tenant_id
