-- purpose: give a scope that has no row of its own a value
-- parameters: flag; tenant_id: a tenant id or '*'; to_value; changed_by; change_reason; changed_at: timestamptz
-- rows: the row as written, or none when somebody inserted one meanwhile
-- index: the store's unique index over flag and tenant (it is what makes the insert safe)
insert into {table} ({flag}, {tenant_id}, {is_enabled}, {version}, {changed_by}, {change_reason}, {changed_at})
values (%(flag)s, %(tenant_id)s, %(to_value)s, 1, %(changed_by)s, %(change_reason)s, %(changed_at)s)
on conflict do nothing
returning {tenant_id} as tenant_id, {is_enabled} as is_enabled, {version} as version, {change_reason} as change_reason,
    {changed_by}::text as changed_by, {changed_at}::text as changed_at
