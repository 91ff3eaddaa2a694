-- A plan's rows never change again once written. What became of them follows from how far an operation has come
-- (backfill_progress), what it wrote (before_image) and what it left alone (row_left_alone): one insert a row instead of
-- two writes, and an auditor finds the plan as it was approved.
create table ledger_guard.backfill_progress (
    plan_id           uuid        not null references ledger_guard.plan,
    operation         text        not null check (operation in ('force', 'undo')),
    -- every row up to this player is settled; empty before the first batch
    through_player_id text        not null,
    batches           bigint      not null check (batches >= 0),
    done              bigint      not null check (done >= 0),
    left_alone        bigint      not null check (left_alone >= 0),
    started_at        timestamptz not null,
    updated_at        timestamptz not null,
    primary key (plan_id, operation)
);

-- The newest order about a plan's backfill; each order is on the audit log too.
create table ledger_guard.backfill_steering (
    plan_id  uuid        primary key references ledger_guard.plan,
    wanted   text        not null check (wanted in ('run', 'pause', 'cancel')),
    asked_by text        not null check (asked_by <> ''),
    reason   text        not null,
    asked_at timestamptz not null
);

create table ledger_guard.row_left_alone (
    plan_id   uuid        not null,
    operation text        not null check (operation in ('force', 'undo')),
    player_id text        not null,
    currency  text        not null,
    left_at   timestamptz not null,
    primary key (plan_id, operation, player_id, currency)
);

insert into ledger_guard.row_left_alone (plan_id, operation, player_id, currency, left_at)
select plan_id, case state when 'kept' then 'undo' else 'force' end, player_id, currency, now()
from ledger_guard.plan_row
where state in ('drifted', 'kept');

insert into ledger_guard.backfill_progress (
    plan_id, operation, through_player_id, batches, done, left_alone, started_at, updated_at
)
select
    r.plan_id, o.operation, coalesce(max(r.player_id) filter (where r.state = any(o.settled)), ''), 0,
    count(*) filter (where r.state = any(o.done)), count(*) filter (where r.state = o.left_alone), min(p.created_at), now()
from ledger_guard.plan_row r
join ledger_guard.plan p on p.plan_id = r.plan_id
join (
    values
        ('force', array['applied', 'drifted', 'restored', 'kept'], array['applied', 'restored', 'kept'], 'drifted'),
        ('undo', array['restored', 'kept'], array['restored'], 'kept')
) as o (operation, settled, done, left_alone) on r.state = any(o.settled)
group by r.plan_id, o.operation;

drop index ledger_guard.plan_row_by_state;
alter table ledger_guard.plan_row drop column state;
-- Rows come in with their plan, in one transaction; asking for it again row by row costs a third of the dry-run.
alter table ledger_guard.plan_row drop constraint plan_row_plan_id_fkey;
create trigger plan_row_is_append_only before update or delete or truncate on ledger_guard.plan_row
    for each statement execute function ledger_guard.refuse_change();
create trigger row_left_alone_is_append_only before update or delete or truncate on ledger_guard.row_left_alone
    for each statement execute function ledger_guard.refuse_change();

-- A before-image is found by plan, operation and wallet; a number of its own is one index more to write for each row.
alter table ledger_guard.before_image drop column image_id;
-- The platform's transaction that was to make the write, where guard state has a database of its own: after a kill, the
-- platform itself says whether it came to be.
alter table ledger_guard.before_image add column platform_transaction text;

create view ledger_guard.plan_row_state as
select
    r.*,
    case
        when r.cause = 'protected' then 'set_aside'
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

-- Whether an amount, as stored, is so many cents. The first comparison is exact for every amount that was written with two
-- places, and spares the text; the second rounds as the dry-run does. From 1e13 on a double no longer tells cents apart.
create function ledger_guard.is_cents(amount double precision, cents bigint) returns boolean
language sql stable parallel safe as $$
    select case
        when amount = cents / 100.0::double precision then true
        when abs(amount) < 1e13 then round(amount::text::numeric, 2) * 100 = cents
        else false
    end
$$;
