-- Purpose: what each ledger row moved, in cents, by the policy's bookings; rows that moved nothing are left out.
-- Placeholders: cents of the amount column (cents.sql), among_ledger (everyone.sql or chosen_alone.sql). Parameters: tenant_id (text, null: all tenants),
-- player_ids (text[], null: all players), currency, void_statuses
-- (text[], lower case), booking_* (arrays of one length: type, status in lower case or '' for any, moves, available and held as
-- factors, by_direction, reference pattern or '', payment step or '').
-- Rows: one a ledger row; a row whose amount, direction or date can't be read, or that moved half a cent, is not readable. Index: the ledger's unique (tenant, player, type, idempotency key), by its first column.
select
    movement.*,
    moves in ('both', 'player') as is_of_player,
    case when is_readable then cents * available_factor end as available,
    case when is_readable then cents * held_factor end as held
from (
    select
        booked.*,
        coalesce(
            cents >= 0 and booked_at is not null and trunc(cents * available_factor) = cents * available_factor
                and trunc(cents * held_factor) = cents * held_factor,
            false
        ) as is_readable
    from (
        select
            l.{ledger_tenant} as tenant_id,
            l.{ledger_player} as player_id,
            nullif(l.{ledger_tx_id}, '') as tx_id,
            -- infinities and years that no clock shows are no dates; subtracting them would be an error for everybody
            case when l.{ledger_created_at} between '0002-01-01' and '9999-01-01' then l.{ledger_created_at} end as booked_at,
            l.{ledger_currency} = %(currency)s as is_own_currency,
            case
                when named.type is null and lower(coalesce(l.{ledger_status}, '')) = any(%(void_statuses)s) then 'nothing'
                -- a code that only looks like the plan's currency may be the same money or other money
                when l.{ledger_currency} is null then 'unknown'
                when l.{ledger_currency} <> %(currency)s and upper(trim(l.{ledger_currency})) = upper(%(currency)s) then 'unknown'
                else coalesce(named.moves, whole.moves, 'unknown')
            end as moves,
            case
                when not coalesce(named.by_direction, whole.by_direction, true) then coalesce(named.available, whole.available)
                else case lower(l.{ledger_direction}) when 'credit' then 1 when 'debit' then -1 end
            end as available_factor,
            coalesce(named.held, whole.held, 0) as held_factor,
            coalesce(named.step, whole.step, '') as step,
            case
                when coalesce(named.reference, whole.reference, '') = '' then {ledger_cents}
                when substring(l.{ledger_reference} from coalesce(named.reference, whole.reference)) ~ '^[0-9]{{1,12}}([.][0-9]+)?$'
                    then (round(substring(l.{ledger_reference} from coalesce(named.reference, whole.reference))::numeric, 2) * 100)::float8
            end as cents
        from {ledger} l
        left join booking named on named.type = l.{ledger_type} and named.status = lower(l.{ledger_status}) and named.status <> ''
        left join booking whole on whole.type = l.{ledger_type} and whole.status = ''
        where (%(tenant_id)s::text is null or l.{ledger_tenant} = %(tenant_id)s)
          and (%(player_ids)s::text[] is null or l.{ledger_player} = any(%(player_ids)s))
          and {among_ledger}
        offset 0  -- a fence: what was computed of a row is not computed again wherever it is named
    ) as booked
    where moves <> 'nothing'
    offset 0
) as movement
