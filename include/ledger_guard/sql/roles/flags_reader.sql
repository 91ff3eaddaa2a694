revoke all on {flags} from {role};
grant usage on schema {flag_schema} to {role};
grant select on {flags} to {role}
