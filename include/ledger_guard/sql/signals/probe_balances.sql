-- Purpose: fail when the platform is away or lacks a table or column that the comparison reads. No parameters, no rows.
select
    p.{player_key}, p.{player_tenant}, p.{player_available}, p.{player_held},
    w.{wallet_tenant}, w.{wallet_player}, w.{wallet_currency}, w.{wallet_available}, w.{wallet_pending}
from {player} p, {wallet} w
limit 0
