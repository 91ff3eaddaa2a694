-- Where the policy names a table of transactions: what plans reads the balances that they noted.
revoke all on {transaction} from {role};
grant select on {transaction} to {role}
