-- A row of guard state that decides is held against the audit entry that attests it, found without reading the whole log.
-- Text is compared byte by byte, so that all scopes of a flag (`flag:F@…`) are one range.
set local lock_timeout = '10s';
set local statement_timeout = '600s';

create index audit_entry_by_subject on ledger_guard.audit_entry (verb, subject collate "C", sequence);
create index audit_entry_by_tenant_and_verb on ledger_guard.audit_entry (tenant_id, verb, sequence);
