-- No rule of the log would hold for its owner, for a member of its owner, or for a superuser.
do $$ begin
    if (select pg_has_role({role_text}, relowner, 'member') from pg_class where oid = 'ledger_guard.audit_entry'::regclass) then
        raise exception 'role % is a superuser, or owns the audit log or is a member of its owner; allowed: another role', {role_text};
    end if;
end $$
