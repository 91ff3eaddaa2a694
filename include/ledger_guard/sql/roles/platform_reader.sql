-- What senses, triages, plans and verifies: reads players, wallets and the ledger.
revoke all on {tenant}, {player}, {wallet}, {ledger} from {role};
grant usage on schema {platform_schema} to {role};
grant select on {tenant}, {player}, {wallet}, {ledger} to {role}
