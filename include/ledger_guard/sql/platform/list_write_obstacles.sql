-- Purpose: what would keep this login from writing wallets as a plan says, or could change what it writes. Reads the catalogue
-- only. Parameters: schema, wallet, player (text, names), key_columns, inserted_columns, updated_columns (text[], of the
-- wallet), player_columns (text[]). Rows: one an obstacle: its kind (domain/writability.py), the table, what exactly, and
-- which kinds of write it stops. `on conflict` needs a unique key of just the key columns, and no rules for its writes.
with place as (
    select c.oid, c.relkind, n.nspname, format('%%s.%%s', n.nspname, c.relname) as name, named.is_wallet
    from (values (%(wallet)s::text, true), (%(player)s::text, false)) as named (relname, is_wallet)
    join pg_namespace n on n.nspname = %(schema)s
    join pg_class c on c.relnamespace = n.oid and c.relname = named.relname
), wallet as (
    select * from place where is_wallet
), stored as (
    select * from wallet where relkind in ('r', 'p')
), attribute as (
    select a.*, stored.name
    from stored
    join pg_attribute a on a.attrelid = stored.oid and a.attnum > 0 and not a.attisdropped
), fired as (
    select
        stored.name,
        t.tgname,
        t.tgtype & 3 = 3 as is_before_row,
        t.tgtype & 4 > 0 as on_insert,
        t.tgtype & 8 > 0 as on_delete,
        t.tgtype & 16 > 0 and (
            t.tgattr = ''::int2vector
            or exists (
                select from pg_attribute a
                where a.attrelid = t.tgrelid and a.attnum = any(t.tgattr) and a.attname = any(%(updated_columns)s)
            )
        ) as on_update
    from stored
    join pg_trigger t
        on t.tgrelid = stored.oid
        or (stored.relkind = 'p' and t.tgrelid in (select relid from pg_partition_tree(stored.oid)))
    where not t.tgisinternal and t.tgparentid = 0 and t.tgenabled in ('O', 'A')
), needed_right as (
    select oid, name, unnest(%(inserted_columns)s::text[]) as attname, 'select' as privilege, true as i, true as u, true as d
    from wallet
    union all
    select oid, name, unnest(%(player_columns)s::text[]), 'select', true, true, true from place where not is_wallet
    union all
    select oid, name, unnest(%(inserted_columns)s::text[]), 'insert', true, false, false from wallet
    union all
    select oid, name, unnest(%(updated_columns)s::text[]), 'update', false, true, false from wallet
)
select 'not_a_table' as kind, name as table_name,
    case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'other relation' end
        as subject,
    true as stops_insert, true as stops_update, true as stops_delete
from place
where (is_wallet and relkind not in ('r', 'p')) or relkind in ('m', 'f')

union all
select 'no_unique_key', name, array_to_string(%(key_columns)s::text[], ', '), true, true, true
from stored
where not exists (
    select
    from pg_index i
    where i.indrelid = stored.oid and i.indisunique and i.indimmediate and i.indisvalid
      and i.indpred is null and i.indexprs is null and i.indnkeyatts = cardinality(%(key_columns)s::text[])
      and i.indnkeyatts = (
          select count(*)
          from pg_attribute a
          where a.attrelid = i.indrelid and a.attname = any(%(key_columns)s)
            and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1])
      )
)

union all
select 'has_heirs', name, min(i.inhrelid::regclass::text), true, true, true
from stored
join pg_inherits i on i.inhparent = stored.oid
where stored.relkind = 'r'
group by name

union all
select 'needs_value', a.name, a.attname, true, false, false
from attribute a
join pg_type t on t.oid = a.atttypid
where (a.attnotnull or t.typnotnull) and not a.atthasdef and t.typdefault is null and a.attidentity = ''
  and a.attname <> all(%(inserted_columns)s)
  and not exists (select from fired where on_insert and is_before_row)

union all
select 'is_generated', name, attname, true, attname = any(%(updated_columns)s), false
from attribute
where attname = any(%(inserted_columns)s) and (attgenerated <> '' or attidentity = 'a')

union all
select 'has_rule', name, rulename, ev_type in ('2', '3'), ev_type = '2', ev_type = '4'
from stored
join pg_rewrite r on r.ev_class = stored.oid
where r.ev_type in ('2', '3', '4') and r.ev_enabled in ('O', 'A')

union all
select 'row_security', name, current_user, true, true, true
from place
where row_security_active(oid)

union all
select 'missing_right', nspname, format('%%s may not use the schema', current_user), true, true, true
from wallet
where not has_schema_privilege(%(schema)s, 'usage')

union all
select 'missing_right', r.name,
    format('%%s may not %%s %%s', current_user, r.privilege, string_agg(r.attname, ', ' order by r.attname)),
    bool_and(r.i), bool_and(r.u), bool_and(r.d)
from needed_right r
join pg_attribute a on a.attrelid = r.oid and a.attname = r.attname
where not has_column_privilege(r.oid, a.attnum, r.privilege)
group by r.name, r.privilege

union all
select 'missing_right', name, format('%%s may not lock its rows (update of one column)', current_user), true, true, true
from place
where not is_wallet and not has_any_column_privilege(oid, 'update')

union all
select 'missing_right', name, format('%%s may not delete from it', current_user), false, false, true
from wallet
where not has_table_privilege(oid, 'delete')

union all
select 'has_trigger', name, tgname, on_insert, on_update, on_delete
from fired
where on_insert or on_update or on_delete
