-- Purpose: what one operation of a plan wrote (or announced) in a range of player ids, without what was left alone after all, as
-- one digest; sorted by bytes, so that no setting of the database changes it. Parameters: plan_id (uuid), operation, after,
-- through (text). Rows: exactly one. Index: before_image's unique (plan, operation, player, currency).
select
    count(*) as rows,
    encode(sha256(convert_to(coalesce(string_agg(line, chr(10) order by line collate "C"), ''), 'UTF8')), 'hex') as digest
from (
    select concat_ws(
        ' ', length(i.player_id) || ':' || i.player_id,
        coalesce(encode(float8send(i.before_available), 'hex') || ' ' || encode(float8send(i.before_pending), 'hex'), '-'),
        coalesce(encode(float8send(i.after_available), 'hex') || ' ' || encode(float8send(i.after_pending), 'hex'), '-')
    ) as line
    from ledger_guard.before_image i
    where i.plan_id = %(plan_id)s and i.operation = %(operation)s
      and i.player_id > %(after)s and i.player_id <= %(through)s
      and not exists (
          select from ledger_guard.row_left_alone l
          where l.plan_id = i.plan_id and l.operation = i.operation and l.player_id = i.player_id and l.currency = i.currency
      )
) image
