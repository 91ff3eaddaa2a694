-- Purpose: put what is found of one tenant's players into the session's `judged`: every player whose wallet is not right, and those
-- that are counted beside. Placeholders: judged (judged_wallets.sql). Parameters: those of the part, with tenant_id given.
-- Rows: none.
insert into judged
select
    player_id, finding, has_wallet, is_float_noise, is_protected, has_lost_update, player_bonus, player_available, player_held,
    wallet_available, wallet_pending, target_available, target_pending, opening_total, wallet_only_total, player_only_total,
    twice_total, foreign_total
from (
    {judged}
) as player_judged
where finding is not null or is_float_noise or is_protected or has_lost_update
