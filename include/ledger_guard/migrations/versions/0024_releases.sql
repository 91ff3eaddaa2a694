-- A session that does not say for which revision it was written, or says another one, adds nothing to the audit log: a release
-- that does not look at schema_version itself can't decide, approve or write wallets on a schema that it does not know. This is
-- no protection against people: whoever can write guard state can say what they like.
set local lock_timeout = '10s';
set local statement_timeout = '60s';

create function ledger_guard.refuse_another_release() returns trigger language plpgsql as $$
declare
    at_revision text := (select version_num from ledger_guard.schema_version);
    made_for text := nullif(current_setting('ledger_guard.revision', true), '');
begin
    if made_for is distinct from at_revision then
        raise exception 'guard state is at revision %, this session was opened for %: nothing was stored', at_revision,
            coalesce(made_for, 'none: by a release before 0024, or by hand')
            using errcode = 'object_not_in_prerequisite_state', hint = 'install the release that knows the revision';
    end if;
    return null;
end $$;

create trigger audit_entry_is_of_this_release before insert on ledger_guard.audit_entry
    for each statement execute function ledger_guard.refuse_another_release();
