-- What grows with traffic and tenants is partitioned by time (UTC), so that what is old is dropped, not deleted.
-- A stored table becomes the first partition of its own: no row is written again, but for those far from now, which go to the
-- default partition. So the upgrade takes one index of access events and one look at each table.
set local lock_timeout = '30s';
set local timezone = 'UTC';

-- Readings of a tenant and day, summed up by the hour, beyond the windows themselves: an hour without any has no place.
create table ledger_guard.reading_hours (
    trigger   text        not null,
    day       timestamptz not null,
    tenant_id text        not null,
    hours     smallint[]  not null,                   -- 0 to 23, UTC
    windows   smallint[]  not null check (cardinality(windows) = cardinality(hours)),
    events    bigint[]    not null check (cardinality(events) = cardinality(hours)),
    exposure  bigint[]    not null check (cardinality(exposure) = cardinality(hours)),
    primary key (trigger, day, tenant_id)
) partition by range (day);
create table ledger_guard.reading_hours_default partition of ledger_guard.reading_hours default;

-- Verdicts that are evidence when their partition is dropped: alarms, and all that hang on an incident.
create table ledger_guard.kept_verdict (like ledger_guard.verdict including all);
alter table ledger_guard.kept_verdict add foreign key (incident_id) references ledger_guard.incident;

alter table ledger_guard.ingest_reject add column rejected_at timestamptz not null default now();
update ledger_guard.ingest_reject as reject
set rejected_at = file.ingested_at
from ledger_guard.ingest_file as file
where file.ingest_id = reject.ingest_id;

-- The column that a table is partitioned by; null for any other table.
create function ledger_guard.partition_key(table_name text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case table_name
        when 'access_event' then 'event_time'
        when 'unreadable_line' then 'near'
        when 'ingest_reject' then 'rejected_at'
        when 'signal_window' then 'window_start'
        when 'verdict' then 'window_start'
        when 'reading_hours' then 'day'
    end
$$;

do $$
declare
    described record;
    allowed record;
    partition_key text;
    starts timestamptz;
    ends timestamptz;
begin
    for described in
        select * from (values
            ('access_event', 'event_key, event_time', 'day'),
            ('unreadable_line', 'line_key, near', 'day'),
            ('ingest_reject', 'ingest_id, line_number, rejected_at', 'week'),
            ('signal_window', 'trigger, window_start, tenant_id', 'day'),
            ('verdict', 'trigger, window_start, tenant_id', 'day')
        ) as listed (name, unique_by, step)
    loop
        partition_key := ledger_guard.partition_key(described.name);
        execute format('alter table ledger_guard.%1$I rename to %2$I', described.name, described.name || '_first');
        execute format('alter index ledger_guard.%1$I rename to %2$I', described.name || '_pkey', described.name || '_first_pkey');
        execute format(
            'create table ledger_guard.%1$I (like ledger_guard.%2$I including defaults including constraints) partition by range (%3$I)',
            described.name, described.name || '_first', partition_key);
        execute format(
            'create table ledger_guard.%2$I partition of ledger_guard.%1$I default', described.name, described.name || '_default');
        for allowed in
            select case each.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(each.grantee)) end as grantee, each.privilege_type
            from pg_class, aclexplode(relacl) as each
            where oid = format('ledger_guard.%I', described.name || '_first')::regclass
        loop
            execute format('grant %s on ledger_guard.%I to %s', allowed.privilege_type, described.name, allowed.grantee);
        end loop;
        -- Far from now: a clock that was wrong once must not stretch the first partition over years.
        execute format(
            'with far as (delete from ledger_guard.%2$I where %4$I < now() - interval ''400 days'' or %4$I > now() + interval ''2 days'' '
            'returning *) insert into ledger_guard.%3$I select * from far',
            described.name, described.name || '_first', described.name || '_default', partition_key);
        execute format('select date_trunc(%3$L, min(%2$I)), date_trunc(%3$L, max(%2$I)) + %4$L::interval from ledger_guard.%1$I',
            described.name || '_first', partition_key, described.step, '1 ' || described.step) into starts, ends;
        if starts is null then
            execute format('drop table ledger_guard.%I', described.name || '_first');
        elsif described.unique_by not like 'trigger,%' then
            execute format('alter table ledger_guard.%1$I drop constraint %2$I, add primary key (%3$s)',
                described.name || '_first', described.name || '_first_pkey', described.unique_by);
        end if;
        execute format('alter table ledger_guard.%1$I add primary key (%2$s)', described.name, described.unique_by);
        if described.name = 'access_event' then
            execute 'alter index if exists ledger_guard.access_event_by_time rename to access_event_first_by_time';
            execute 'create index access_event_by_time on ledger_guard.access_event (event_time)';
        elsif described.name = 'unreadable_line' then
            execute 'alter index if exists ledger_guard.unreadable_line_by_time rename to unreadable_line_first_by_time';
            execute 'create index unreadable_line_by_time on ledger_guard.unreadable_line (near)';
        elsif described.name = 'ingest_reject' then
            execute 'alter table ledger_guard.ingest_reject add foreign key (ingest_id) references ledger_guard.ingest_file';
        elsif described.name = 'verdict' then
            execute 'alter table ledger_guard.verdict add foreign key (incident_id) references ledger_guard.incident';
        end if;
        if starts is not null then
            execute format('alter table ledger_guard.%1$I attach partition ledger_guard.%2$I for values from (%3$L) to (%4$L)',
                described.name, described.name || '_first', starts, ends);
        end if;
    end loop;
end $$;

-- Partitions are made and dropped by these alone, with their owner's rights: the guard's own role owns nothing. They take a
-- partitioned table's name, nothing else of a name, and drop nothing that is younger than two days by this server's clock.
create function ledger_guard.make_partition(table_name text, starts timestamptz, ends timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    partition_key text := ledger_guard.partition_key(table_name);
    made text := table_name || to_char(starts, '_YYYYMMDD');
    rest text := table_name || '_default';
    moved bigint;
begin
    if partition_key is null then
        raise exception 'table %: is not partitioned', table_name using errcode = 'invalid_parameter_value';
    end if;
    if starts <> date_trunc('day', starts) or ends <> date_trunc('day', ends) or ends <= starts or ends > starts + interval '31 days' then
        raise exception 'partition from % to %: allowed: 1 to 31 whole days', starts, ends using errcode = 'invalid_parameter_value';
    end if;
    perform pg_advisory_xact_lock(hashtext('ledger_guard.partitions'));
    if to_regclass(format('ledger_guard.%I', made)) is not null then
        return 0;
    end if;
    if table_name = 'verdict' then
        lock table ledger_guard.incident in share row exclusive mode;
    elsif table_name = 'ingest_reject' then
        lock table ledger_guard.ingest_file in share row exclusive mode;
    end if;
    execute format('lock table ledger_guard.%I in access exclusive mode', rest);
    execute format('create table ledger_guard.%I (like ledger_guard.%I including all)', made, table_name);
    execute format(
        'with moved as (delete from ledger_guard.%1$I where %2$I >= $1 and %2$I < $2 returning *) '
        'insert into ledger_guard.%3$I select * from moved', rest, partition_key, made) using starts, ends;
    get diagnostics moved = row_count;
    execute format('alter table ledger_guard.%I attach partition ledger_guard.%I for values from (%L) to (%L)',
        table_name, made, starts, ends);
    return moved;
end $$;

create function ledger_guard.drop_partition(partition_name text, keep_days integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    until timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext('ledger_guard.partitions'));
    select (regexp_match(pg_get_expr(child.relpartbound, child.oid), $bound$TO \('([^']+)'\)$bound$))[1]::timestamptz
    into until
    from pg_inherits as link
    join pg_class as child on child.oid = link.inhrelid
    join pg_class as parent on parent.oid = link.inhparent
    where child.relnamespace = 'ledger_guard'::regnamespace
      and child.relname = partition_name
      and parent.relnamespace = 'ledger_guard'::regnamespace
      and ledger_guard.partition_key(parent.relname) is not null;
    if until is null or until > now() - make_interval(days => greatest(keep_days, 2)) then
        return false;
    end if;
    execute format('drop table ledger_guard.%I', partition_name);
    return true;
end $$;

-- Rows that lie in the default partition of a table and are older than a moment; at most so many at a time.
create function ledger_guard.clear_default(table_name text, before timestamptz, at_most integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    partition_key text := ledger_guard.partition_key(table_name);
    cleared bigint;
begin
    if partition_key is null then
        raise exception 'table %: is not partitioned', table_name using errcode = 'invalid_parameter_value';
    end if;
    execute format(
        'delete from ledger_guard.%1$I where ctid in (select ctid from ledger_guard.%1$I where %2$I < $1 limit $2)',
        table_name || '_default', partition_key) using least(before, now() - interval '2 days'), at_most;
    get diagnostics cleared = row_count;
    return cleared;
end $$;

revoke all on function
    ledger_guard.make_partition(text, timestamptz, timestamptz),
    ledger_guard.drop_partition(text, integer),
    ledger_guard.clear_default(text, timestamptz, integer)
from public;
