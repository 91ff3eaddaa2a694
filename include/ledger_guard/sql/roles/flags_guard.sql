revoke all on {flags} from {role};
grant usage on schema {flag_schema} to {role};
grant select, insert, update on {flags} to {role}
