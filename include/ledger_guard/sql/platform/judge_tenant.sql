-- Purpose: put what is found of one tenant's players into the session's `judged`: every player whose wallet is not right, and those
-- that are counted beside; and into `new_opening` what those held before the ledger whom the guard sees for the first time.
-- Placeholders: judged (judged_wallets.sql). Parameters: those of the part, with tenant_id given. Rows: none.
with player_judged as materialized (
    {judged}
), seen_for_the_first_time as (
    insert into new_opening
    select player_id, opening_available, opening_held
    from player_judged
    where is_opening_new
)
insert into judged
select
    player_id, finding, has_wallet, is_float_noise, is_protected, has_lost_update, player_bonus, player_available, player_held,
    wallet_available, wallet_pending, target_available, target_pending, opening_total, wallet_only_total, player_only_total,
    twice_total, foreign_total
from player_judged
where finding is not null or is_float_noise or is_protected or has_lost_update
