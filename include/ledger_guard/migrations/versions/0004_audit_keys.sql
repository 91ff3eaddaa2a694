-- Marks that only a holder of the key can make, so that who owns the database can't write the audit log anew. Entries from
-- before the first key keep none: they are covered by the first marked entry, which is chained to them.
alter table ledger_guard.audit_entry add column key_id text;
alter table ledger_guard.audit_entry add column mac text;
alter table ledger_guard.audit_entry add constraint audit_entry_is_marked_by_a_key check ((key_id is null) = (mac is null)) not valid;
-- The key of the last entry: a process without it finds out before it appends.
alter table ledger_guard.audit_head add column key_id text;

-- The end of the chain only ever moves on by one entry, so no role of the guard can hide entries by setting it back.
create function ledger_guard.refuse_to_set_back() returns trigger language plpgsql as $$
begin
    if new.sequence is distinct from old.sequence + 1 then
        raise exception 'ledger_guard.audit_head moves on by one entry: % to % refused', old.sequence, new.sequence;
    end if;
    return new;
end $$;
create trigger audit_head_moves_on before update on ledger_guard.audit_head
    for each row execute function ledger_guard.refuse_to_set_back();
create trigger audit_head_stays before delete or truncate on ledger_guard.audit_head
    for each statement execute function ledger_guard.refuse_change();
