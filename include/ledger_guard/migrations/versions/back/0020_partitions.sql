-- Plain tables again. Of access events and unreadable lines that stand twice under one key the earliest stays.
set local lock_timeout = '30s';
set local timezone = 'UTC';

do $$
declare
    described record;
    allowed record;
begin
    for described in
        select * from (values
            ('access_event', 'event_key', 'event_time'),
            ('unreadable_line', 'line_key', 'near'),
            ('ingest_reject', 'ingest_id, line_number', 'rejected_at'),
            ('signal_window', 'trigger, window_start, tenant_id', 'window_start'),
            ('verdict', 'trigger, window_start, tenant_id', 'window_start')
        ) as listed (name, unique_by, partition_key)
    loop
        execute format('alter table ledger_guard.%1$I rename to %2$I', described.name, described.name || '_parts');
        execute format('alter index ledger_guard.%1$I rename to %2$I', described.name || '_pkey', described.name || '_parts_pkey');
        execute format('create table ledger_guard.%1$I (like ledger_guard.%2$I including defaults including constraints)',
            described.name, described.name || '_parts');
        for allowed in
            select case each.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(each.grantee)) end as grantee, each.privilege_type
            from pg_class, aclexplode(relacl) as each
            where oid = format('ledger_guard.%I', described.name || '_parts')::regclass
        loop
            execute format('grant %s on ledger_guard.%I to %s', allowed.privilege_type, described.name, allowed.grantee);
        end loop;
        execute format('insert into ledger_guard.%1$I select distinct on (%3$s) * from ledger_guard.%2$I order by %3$s, %4$I',
            described.name, described.name || '_parts', described.unique_by, described.partition_key);
        execute format('drop table ledger_guard.%I', described.name || '_parts');
        execute format('alter table ledger_guard.%1$I add primary key (%2$s)', described.name, described.unique_by);
    end loop;
end $$;

create index access_event_by_time on ledger_guard.access_event (event_time);
create index unreadable_line_by_time on ledger_guard.unreadable_line (near);
alter table ledger_guard.ingest_reject drop column rejected_at;
alter table ledger_guard.ingest_reject add foreign key (ingest_id) references ledger_guard.ingest_file;
insert into ledger_guard.verdict select * from ledger_guard.kept_verdict on conflict do nothing;
alter table ledger_guard.verdict add foreign key (incident_id) references ledger_guard.incident;

drop table ledger_guard.kept_verdict, ledger_guard.reading_hours;
drop function ledger_guard.make_partition, ledger_guard.drop_partition, ledger_guard.clear_default, ledger_guard.partition_key;
