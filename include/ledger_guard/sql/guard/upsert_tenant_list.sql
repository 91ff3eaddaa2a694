-- Remember which tenants the platform has; replaces the list before. Parameters: tenant_ids (text[]), listed_at (timestamptz).
-- Returns no rows. Relies on tenant_list's primary key.
insert into ledger_guard.tenant_list (tenant_ids, listed_at)
values (%(tenant_ids)s, %(listed_at)s)
on conflict (is_the_only_row) do update set tenant_ids = excluded.tenant_ids, listed_at = excluded.listed_at
