-- Purpose: fail when the platform is away or lacks a table or column that the comparison reads. No parameters, no rows.
select
    p.{player_key}, p.{player_tenant}, p.{player_available}, p.{player_held},
    w.{wallet_tenant}, w.{wallet_player}, w.{wallet_currency}, w.{wallet_available}, w.{wallet_pending},
    l.{ledger_tenant}, l.{ledger_player}, l.{ledger_type}, l.{ledger_direction}, l.{ledger_amount}, l.{ledger_currency},
    l.{ledger_status}, l.{ledger_provider_event}, l.{ledger_created_at}
from {player} p, {wallet} w, {ledger} l
limit 0
