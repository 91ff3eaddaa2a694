-- Purpose: the condition that keeps a table's rows to the players of the CTE `chosen` (judged_wallets.sql). Placeholders: tenant, player.
({tenant}, {player}) in (select tenant_id, player_id from chosen)
