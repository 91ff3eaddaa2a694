-- purpose: what the flag store says about one flag, in one scope or in all that have a row
-- parameters: flag; tenant_id: a tenant id or '*' for the global value, null for every scope
-- rows: at most one a scope, the global one first, then by tenant
-- index: the store's unique index over flag and tenant
select
    {tenant_id}     as tenant_id,
    {is_enabled}    as is_enabled,
    {version}       as version,
    {change_reason} as change_reason,
    {changed_by}::text as changed_by,
    {changed_at}::text as changed_at
from {table}
where {flag} = %(flag)s
  and (%(tenant_id)s::text is null or {tenant_id} = %(tenant_id)s::text)
order by ({tenant_id} <> '*'), {tenant_id}
limit 100000
