-- Purpose: the session's findings as lines of a plan (domain/plan_rows.py). Parameters: currency (text).
-- Rows: one line a player, by the bytes of the player id, over the copy protocol; amounts in cents.
copy (
    select
        player_id,
        %(currency)s,
        split_part(finding, '/', 1),
        split_part(finding, '/', 2),
        coalesce(player_available, 0),
        coalesce(player_held, 0),
        wallet_available,
        wallet_pending,
        coalesce(target_available, 0),
        coalesce(target_pending, 0),
        coalesce(opening_total, 0),
        coalesce(wallet_only_total, 0),
        coalesce(player_only_total, 0),
        coalesce(twice_total, 0),
        coalesce(foreign_total, 0)
    from judged
    where finding is not null
    order by player_id collate "C"
) to stdout
