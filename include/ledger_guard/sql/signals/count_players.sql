-- Purpose: how many players each tenant has. No parameters. Rows: one a tenant with players, by tenant.
select {player_tenant} as tenant_id, count(*) as players
from {player}
group by 1
order by 1
