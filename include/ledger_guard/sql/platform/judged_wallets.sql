-- Purpose: every player of one tenant, or of all, judged: what the wallet should hold by the evidence, and what is the matter
-- where it does not. The rule is domain/differences.py; both are held to the same cases (tests/use_cases/backfill/money_cases.py).
-- Placeholders: bookings (bookings.sql), movements (ledger_movements.sql), notes (noted_balances.sql), cents of the balances (cents.sql),
-- seen (seen_openings.sql), among_… (everyone.sql, or chosen_alone.sql: then only the players are judged that are bound).
-- Parameters: those of the parts; chosen_tenants and chosen_players (text[] of one length, each pair once; null: all players); within (interval: requests booked closer than this may have overlapped).
-- Rows: one a player; amounts in cents as doubles, null where unreadable; finding is null where the wallet is right.
-- Index: the wallet table's primary key (tenant, player, currency); players have no index on their tenant.
with booking as not materialized (
    {bookings}
), chosen as (
    -- the players that alone are judged, where not all of them are
    select *
    from unnest(%(chosen_tenants)s::text[], %(chosen_players)s::text[]) as c (tenant_id, player_id)
), note as (
    select *
    from unnest(
        %(note_types)s::text[], %(note_without_provider)s::boolean[], %(note_available)s::float8[], %(note_holds_held)s::boolean[],
        %(note_booked)s::boolean[]
    ) as n (type, without_provider, available, holds_held, booked)
), balance as materialized (
    -- a number of each player's own: what follows is put together by it, for it is compared faster than the ids
    select
        row_number() over () as player_number,
        p.{player_tenant} as tenant_id,
        p.{player_key} as player_id,
        {player_available_cents} as player_available,
        {player_held_cents} as player_held,
        {player_bonus_cents} as player_bonus,
        w.{wallet_player} is not null as has_wallet,
        {wallet_available_cents} as wallet_available,
        {wallet_pending_cents} as wallet_pending,
        -- equal in cents, unequal as stored: float noise
        p.{player_available} is distinct from w.{wallet_available} or p.{player_held} is distinct from w.{wallet_pending}
            as is_stored_unequal
    from {player} p
    left join {wallet} w
        on w.{wallet_tenant} = p.{player_tenant} and w.{wallet_player} = p.{player_key} and w.{wallet_currency} = %(currency)s
    where (%(tenant_id)s::text is null or p.{player_tenant} = %(tenant_id)s)
      and (%(player_ids)s::text[] is null or p.{player_key} = any(%(player_ids)s))
      and {among_players}
), movement as materialized (
    select
        b.player_number, m.tx_id, m.booked_at, m.is_own_currency, m.moves, m.step, m.available, m.held, m.is_readable,
        m.is_of_player,
        -- of a word the planner would expect one row in 200, and look through all of them for each note
        m.moves = 'both' as is_of_both
    from (
        {movements}
    ) as m
    join balance b on b.tenant_id = m.tenant_id and b.player_id = m.player_id
), noted as materialized (
    {notes}
), first_note as (
    select distinct on (player_number) *
    from noted
    order by player_number, noted_at, transaction_id collate "C"
), first_note_with_held as (
    select distinct on (player_number) *
    from noted
    where holds_held
    order by player_number, noted_at, transaction_id collate "C"
), fact as (
    select
        player_number,
        bool_and(is_readable or moves = 'unknown') as is_readable,
        bool_or(moves = 'unknown') as has_unknown,
        -- a wallet-only row makes a missing wallet from 0, every other row from the player's balances
        coalesce(
            min(booked_at) filter (where moves = 'wallet' and is_own_currency)
                <= coalesce(min(booked_at) filter (where moves = 'both' and is_own_currency), 'infinity'),
            false
        ) as may_be_born_from_0,
        coalesce(sum(available) filter (where is_of_player), 0) as side_available,
        coalesce(sum(held) filter (where is_of_player), 0) as side_held,
        coalesce(sum(available) filter (where is_of_player and not is_own_currency), 0) as foreign_available,
        coalesce(sum(held) filter (where is_of_player and not is_own_currency), 0) as foreign_held,
        coalesce(sum(available) filter (where moves = 'player' and is_own_currency), 0) as player_only_available,
        coalesce(sum(held) filter (where moves = 'player' and is_own_currency), 0) as player_only_held,
        coalesce(sum(available) filter (where moves = 'wallet' and is_own_currency), 0) as wallet_only_available,
        coalesce(sum(held) filter (where moves = 'wallet' and is_own_currency), 0) as wallet_only_held
    from movement
    group by player_number
), before_note_with_held as (
    select m.player_number, sum(m.available) as available, sum(m.held) as held
    from movement m
    join first_note_with_held n on n.player_number = m.player_number
    where m.is_of_player and m.booked_at < n.noted_at and m.tx_id is distinct from n.transaction_id
    group by m.player_number
), payment as (
    -- rows of one payment: booked on both sides it counts there, else its first wallet-only row does; where the rows contradict
    -- each other nobody can tell which of them counts
    select
        player_number,
        bool_or(is_contradicted) as is_booked_twice,
        coalesce(sum((rows_of_wallet - 1) * least_available) filter (where not is_contradicted), 0) as twice_available,
        coalesce(sum((rows_of_wallet - 1) * least_held) filter (where not is_contradicted), 0) as twice_held
    from (
        select
            player_number,
            count(*) as rows_of_wallet,
            min(available) as least_available,
            min(held) as least_held,
            count(*) filter (where moves = 'both') > 1 or min(available) <> max(available) or min(held) <> max(held)
                as is_contradicted
        from movement
        where tx_id is not null and step <> '' and moves in ('both', 'wallet') and is_own_currency and is_readable
        group by player_number, tx_id, step
        having count(*) > 1
    ) as same_payment
    group by player_number
), earlier as (
    -- what moved the player before the first note, all of it where nothing was noted; the note itself is the request after the last
    select
        player_number,
        coalesce(bool_or(booked_at - before < %(within)s), false)
            or coalesce(max(noted_at) - max(booked_at) < %(within)s, false) as may_overlap,
        coalesce(sum(available) filter (where booked_at < noted_at), 0) as available_before_note,
        coalesce(sum(held) filter (where booked_at < noted_at), 0) as held_before_note
    from (
        select
            m.player_number, m.booked_at, m.available, m.held, n.noted_at,
            lag(m.booked_at) over (partition by m.player_number order by m.booked_at) as before
        from movement m
        left join first_note n on n.player_number = m.player_number
        where m.is_of_player
          and (m.available <> 0 or m.held <> 0)
          -- of one booked at the note's very moment nobody can tell whether the note holds it; without an id it may be the note's own
          and (
              n.player_number is null
              or (m.booked_at < n.noted_at and m.tx_id is distinct from n.transaction_id)
              or (m.booked_at = n.noted_at and m.tx_id <> n.transaction_id)
          )
    ) as request
    group by player_number
), hold as (
    select player_number, coalesce(bool_or(booked_at - before < %(within)s), false) as may_overlap
    from (
        select
            player_number, booked_at, lag(booked_at) over (partition by player_number order by booked_at) as before
        from movement
        where is_of_player and held <> 0
    ) as holds_in_turn
    group by player_number
), alike as (
    -- wallets under a code that only looks like the currency: the same money or other money, nobody can tell
    select distinct w.{wallet_tenant} as tenant_id, w.{wallet_player} as player_id
    from {wallet} w
    where (%(tenant_id)s::text is null or w.{wallet_tenant} = %(tenant_id)s)
      and w.{wallet_currency} <> %(currency)s
      and upper(trim(w.{wallet_currency})) = upper(%(currency)s)
      and {among_wallets}
), seen as (
    {seen}
), opening as (
    select
        b.*,
        f.player_number is not null as has_movements,
        coalesce(f.is_readable, true) as is_ledger_readable,
        coalesce(f.has_unknown, false) as has_unknown,
        coalesce(f.side_available, 0) as side_available,
        coalesce(f.side_held, 0) as side_held,
        coalesce(f.foreign_available, 0) as foreign_available,
        coalesce(f.foreign_held, 0) as foreign_held,
        coalesce(f.player_only_available, 0) as player_only_available,
        coalesce(f.player_only_held, 0) as player_only_held,
        coalesce(f.wallet_only_available, 0) - coalesce(d.twice_available, 0) as wallet_only_available,
        coalesce(f.wallet_only_held, 0) - coalesce(d.twice_held, 0) as wallet_only_held,
        coalesce(d.twice_available, 0) as twice_available,
        coalesce(d.twice_held, 0) as twice_held,
        coalesce(d.is_booked_twice, false) as is_booked_twice,
        coalesce(e.may_overlap, false) as may_overlap,
        coalesce(g.may_overlap, false) as holds_may_overlap,
        coalesce(f.may_be_born_from_0, false) as may_be_born_from_0,
        s.player_id is null as is_first_sight,
        s.available as seen_available,
        s.held as seen_held,
        a.player_id is not null as has_wallet_alike,
        b.player_available is not null and b.player_held is not null as is_player_readable,
        n.player_number is not null as is_noted,
        coalesce(n.holds_held, false) as opening_rests_on_held,
        b.player_available - coalesce(f.side_available, 0) as row_opening_available,
        b.player_held - coalesce(f.side_held, 0) as row_opening_held,
        n.balance_before - coalesce(e.available_before_note, 0)
            - case when n.holds_held
                then b.player_held - coalesce(f.side_held, 0) + coalesce(e.held_before_note, 0) else 0 end
            as noted_opening_available,
        h.balance_before - coalesce(k.available, 0) - coalesce(k.held, 0)
            as noted_opening_total
    from balance b
    left join fact f on f.player_number = b.player_number
    left join payment d on d.player_number = b.player_number
    left join first_note n on n.player_number = b.player_number
    left join first_note_with_held h on h.player_number = b.player_number
    left join earlier e on e.player_number = b.player_number
    left join before_note_with_held k on k.player_number = b.player_number
    left join hold g on g.player_number = b.player_number
    left join alike a on a.tenant_id = b.tenant_id and a.player_id = b.player_id
    left join seen s on s.player_id = b.player_id
), opened as (
    -- of a player row that can't be read nothing follows, whatever was noted: its amounts are null from here on
    select
        o.*,
        case when is_player_readable then coalesce(noted_opening_available, row_opening_available) end as opening_available,
        case
            when not is_player_readable then null
            -- what was held can be told from a note's total only while available is sure
            when coalesce(noted_opening_available, row_opening_available) = row_opening_available
                then coalesce(noted_opening_total - row_opening_available, row_opening_held)
            else row_opening_held
        end as opening_held
    from opening o
), aimed as (
    select
        o.*,
        opening_available + side_available + wallet_only_available - foreign_available as target_available,
        opening_held + side_held + wallet_only_held - foreign_held as target_pending,
        opening_available <> row_opening_available or opening_held <> row_opening_held as has_lost_update
    from opened o
), compared as (
    select
        a.*,
        wallet_available - target_available as above_available,
        wallet_pending - target_pending as above_pending,
        -- the ledger's past can't grow: more from before it than was seen first is a player row that was raised
        (target_available > coalesce(wallet_available, 0) or target_pending > coalesce(wallet_pending, 0))
            and (opening_available > seen_available or opening_held > seen_held) as rises_with_player,
        -- the wallet may lack what was there before the ledger: born from 0 by a wallet-only row, or a note proves it
        may_be_born_from_0
            or ((is_noted or opening_available = 0) and (noted_opening_total is not null or opening_held = 0))
            as may_lack_opening,
        coalesce(has_wallet and wallet_available = target_available and wallet_pending = target_pending, false) as is_right,
        -- what forbids a judgement, whatever the wallet holds
        case
            when not is_player_readable then 'unreadable/player'
            when has_wallet_alike then 'unreadable/currency'
            when has_wallet and (wallet_available is null or wallet_pending is null) then 'unreadable/wallet'
            when not is_ledger_readable then 'unreadable/ledger'
            when has_unknown then 'unexplained/unknown_word'
            when is_booked_twice then 'unexplained/booked_twice'
        end as doubt
    from aimed a
)
select
    c.tenant_id,
    c.player_id,
    case
        when doubt is not null then doubt
        when is_right then null
        when opening_available < 0 or opening_held < 0 then 'unexplained/negative_opening'
        when target_available < 0 or target_pending < 0 then 'unexplained/negative_target'
        when may_overlap then 'unexplained/overlapping_requests'
        -- two withdrawals at once lose one of them in both amounts, and leave their sum right
        when holds_may_overlap and (has_lost_update or opening_rests_on_held) then 'unexplained/overlapping_holds'
        when rises_with_player then 'unexplained/player_rose'
        when has_lost_update then 'lost_update/player_row'
        when not has_wallet then 'missing/no_wallet'
        when not has_movements then 'unexplained/no_movement'
        when exists (
            select
            from (values (0), (may_lack_opening::int)) as no_opening (x), (values (0), (1)) as no_player_only (x),
                (values (0), (1)) as no_wallet_only (x), (values (0), (1)) as counted_twice (x)
            where above_available = counted_twice.x * twice_available - no_opening.x * opening_available
                    - no_player_only.x * player_only_available - no_wallet_only.x * wallet_only_available
              and above_pending = counted_twice.x * twice_held - no_opening.x * opening_held
                    - no_player_only.x * player_only_held - no_wallet_only.x * wallet_only_held
        ) then 'stale_wallet/accounted'
        -- more than all that never reached the wallet can be, out of an opening that nothing but the player row tells
        when not is_noted and opening_available > 0
            and -above_available > greatest(wallet_only_available, 0) + greatest(player_only_available, 0)
            then 'unexplained/unsupported'
        when noted_opening_total is null and opening_held > 0
            and -above_pending > greatest(wallet_only_held, 0) + greatest(player_only_held, 0)
            then 'unexplained/unsupported'
        when is_noted and above_available + above_pending <= 0 then 'stale_wallet/noted'
        else 'disputed/unaccounted'
    end as finding,
    has_wallet,
    doubt is null and is_right and is_stored_unequal and player_available = wallet_available and player_held = wallet_pending
        as is_float_noise,
    doubt is null and is_right and (player_available <> wallet_available or player_held <> wallet_pending) as is_protected,
    doubt is null and has_lost_update as has_lost_update,
    doubt is null and is_first_sight and opening_available >= 0 and opening_held >= 0 as is_opening_new,
    opening_available,
    opening_held,
    player_bonus,
    player_available,
    player_held,
    wallet_available,
    wallet_pending,
    target_available,
    target_pending,
    opening_available + opening_held as opening_total,
    wallet_only_available + wallet_only_held as wallet_only_total,
    player_only_available + player_only_held as player_only_total,
    twice_available + twice_held as twice_total,
    foreign_available + foreign_held as foreign_total
from compared c
