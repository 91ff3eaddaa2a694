-- Purpose: how many writes of an operation of a plan are on record, without those that were left alone after all, and the last
-- player id among all, with its transaction. Parameters: plan_id (uuid), operation (text). Rows: exactly one. Index: before_image's unique (plan,
-- operation, player, currency).
select
    max(i.player_id) as last_player_id,
    (array_agg(i.platform_transaction order by i.player_id desc))[1] as last_transaction,
    count(*) filter (
        where not exists (
            select from ledger_guard.row_left_alone l
            where l.plan_id = i.plan_id and l.operation = i.operation and l.player_id = i.player_id and l.currency = i.currency
        )
    ) as images
from ledger_guard.before_image i
where i.plan_id = %(plan_id)s and i.operation = %(operation)s
