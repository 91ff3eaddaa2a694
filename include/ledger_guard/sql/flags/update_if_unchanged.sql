-- purpose: write a flag's value only where the row still holds the value and version that were seen
-- parameters: flag; tenant_id: a tenant id or '*'; seen_value (boolean or null) and seen_version: what must still stand there;
--   to_value; changed_by; change_reason; changed_at: timestamptz
-- rows: the row as written, or none when somebody changed it meanwhile
-- index: the store's unique index over flag and tenant
update {table}
set {is_enabled}    = %(to_value)s,
    {version}       = {version} + 1,
    {changed_by}    = %(changed_by)s,
    {change_reason} = %(change_reason)s,
    {changed_at}    = %(changed_at)s
where {flag} = %(flag)s
  and {tenant_id} = %(tenant_id)s
  and {version} = %(seen_version)s
  and {is_enabled} is not distinct from %(seen_value)s::boolean
returning {tenant_id} as tenant_id, {is_enabled} as is_enabled, {version} as version, {change_reason} as change_reason,
    {changed_by}::text as changed_by, {changed_at}::text as changed_at
