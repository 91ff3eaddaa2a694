-- Where the policy names a table of transactions: nothing of it.
revoke all on {transaction} from {role}
