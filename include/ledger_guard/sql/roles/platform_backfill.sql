-- What writes wallets: nothing else of the platform. The update of a player's key is there because Postgres asks for one to
-- lock a row; no statement of the guard makes it. Delete: an undo takes back rows that force made.
revoke all on {tenant}, {player}, {wallet}, {ledger} from {role};
grant usage on schema {platform_schema} to {role};
grant select on {tenant}, {player}, {wallet}, {ledger} to {role};
grant update ({player_key}) on {player} to {role};
grant insert, update, delete on {wallet} to {role}
