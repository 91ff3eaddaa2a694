-- What force writes is no longer the player row but what the evidence gives, so a plan's row keeps it: target, reason, and the
-- sums that it follows from. Rows of earlier plans have no reason: their target was the player row, and their hash covers the
-- columns that they had.
create function ledger_guard.is_writable(cause text) returns boolean
language sql immutable parallel safe as $$
    select cause in ('missing', 'stale_wallet', 'lost_update', 'disputed')
$$;

drop view ledger_guard.plan_row_state;
alter table ledger_guard.plan_row drop constraint plan_row_cause_check;
alter table ledger_guard.plan_row add constraint plan_row_cause_check check (
    cause in ('missing', 'stale_wallet', 'lost_update', 'disputed', 'unexplained', 'unreadable', 'protected')
);
alter table ledger_guard.plan_row rename column ledger_explained to wallet_only;
alter table ledger_guard.plan_row
    add column reason           text,
    add column target_available bigint,
    add column target_pending   bigint,
    add column opening          bigint not null default 0,
    add column player_only      bigint not null default 0,
    add column counted_twice    bigint not null default 0,
    add column other_currencies bigint not null default 0;
alter table ledger_guard.plan_row disable trigger plan_row_is_append_only;
update ledger_guard.plan_row set target_available = player_available, target_pending = player_held;
alter table ledger_guard.plan_row enable trigger plan_row_is_append_only;
alter table ledger_guard.plan_row
    alter column target_available set not null,
    alter column target_pending set not null;

create view ledger_guard.plan_row_state as
select
    r.*,
    case
        when forced.plan_id is null and not ledger_guard.is_writable(r.cause) then 'set_aside'
        when undo_left.plan_id is not null then 'kept'
        when undone.plan_id is not null and r.player_id <= undoing.through_player_id then 'restored'
        when force_left.plan_id is not null then 'drifted'
        when forced.plan_id is null then 'planned'
        when undone.plan_id is not null or r.player_id > forcing.through_player_id then 'intended'
        else 'applied'
    end as state
from ledger_guard.plan_row r
left join ledger_guard.before_image forced
    on forced.plan_id = r.plan_id and forced.operation = 'force'
    and forced.player_id = r.player_id and forced.currency = r.currency
left join ledger_guard.before_image undone
    on undone.plan_id = r.plan_id and undone.operation = 'undo'
    and undone.player_id = r.player_id and undone.currency = r.currency
left join ledger_guard.row_left_alone force_left
    on force_left.plan_id = r.plan_id and force_left.operation = 'force'
    and force_left.player_id = r.player_id and force_left.currency = r.currency
left join ledger_guard.row_left_alone undo_left
    on undo_left.plan_id = r.plan_id and undo_left.operation = 'undo'
    and undo_left.player_id = r.player_id and undo_left.currency = r.currency
left join ledger_guard.backfill_progress forcing on forcing.plan_id = r.plan_id and forcing.operation = 'force'
left join ledger_guard.backfill_progress undoing on undoing.plan_id = r.plan_id and undoing.operation = 'undo';
