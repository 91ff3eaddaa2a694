-- Purpose: the before-images of one operation for some rows of a plan. Parameters: plan_id (uuid), operation (text),
-- player_ids (text[]). Rows: at most one a player id. Index: before_image's unique (plan, operation, player, currency).
select player_id, before_available, before_pending, after_available, after_pending
from ledger_guard.before_image
where plan_id = %(plan_id)s and operation = %(operation)s and player_id = any(%(player_ids)s)
