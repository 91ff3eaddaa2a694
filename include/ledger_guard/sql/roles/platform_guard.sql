-- What decides and rolls back: flags, and no money.
revoke all on {tenant}, {player}, {wallet}, {ledger} from {role}
