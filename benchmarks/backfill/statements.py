"""What is filled in, spoilt, run as a floor and checked; amounts are in whole USD, as the platform keeps them."""

from __future__ import annotations

from typing_extensions import LiteralString

TENANT = "bench"
ALL = "100 %"
#: which wallets a spoilt tenant has: share → condition on the player id, whose hexadecimal digits are random
SHARES: dict[str, LiteralString] = {"1 %": "left(player_id, 4) < '028f'", ALL: "true"}

#: parameter: players. Ids are UUID texts, as the platform's: next to each other by id is not next to each other on disk.
FILL: tuple[LiteralString, ...] = (
    "insert into tenant (id, name, type) values ('bench', 'Bench', 'renter')",
    """
    insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available, balance_real_held,
                        status, kyc_status)
    select md5(n::text)::uuid::text, 'bench', 'p' || n, 'p' || n || '@example.com', 1000, 0, 1000, 0, 'active', 'verified'
    from generate_series(1, %(players)s) n
    """,
    """
    insert into walletbalance (tenant_id, player_id, currency, balance_real_available, balance_real_pending,
                               balance_bonus_available, balance_bonus_pending)
    select tenant_id, id, 'USD', balance_real_available, balance_real_held, 0, 0 from player
    """,
    # two movements a player that add up to what the player has, the first with the balance that it left: all of it is evidence
    """
    insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status, idempotency_key,
                                   created_at)
    select moved.status || '-' || id, moved.status || '-' || id, tenant_id, id, 'wallet', direction, amount, 'USD', moved.status,
           'seed-' || moved.status, at
    from player, (
        values
            ('deposit_succeeded', 'credit', 1200, timestamp '2026-01-01'), ('manual_debit', 'debit', 200, timestamp '2026-01-02')
    ) as moved (status, direction, amount, at)
    """,
    """
    insert into transaction (id, tenant_id, player_id, type, amount, currency, status, state, balance_after, created_at)
    select 'deposit_succeeded-' || id, tenant_id, id, 'deposit', 1200, 'USD', 'completed', 'completed', 1200, '2026-01-01'
    from player
    """,
)

#: to be completed with a condition; wallets that are spoilt already stay as they are
SPOIL_WALLETS: LiteralString = """
    update walletbalance
    set balance_real_available = balance_real_available - 777.77, balance_real_pending = balance_real_pending + 777.77
    where balance_real_pending < 700 and
"""

#: every player whose wallet is missing or differs in cents, counted
BARE_DIFF: LiteralString = """
    select count(*)
    from player p
    left join walletbalance w on w.tenant_id = p.tenant_id and w.player_id = p.id and w.currency = 'USD'
    where p.tenant_id = 'bench' and (
        w.player_id is null
        or round(w.balance_real_available::numeric, 2) <> round(p.balance_real_available::numeric, 2)
        or round(w.balance_real_pending::numeric, 2) <> round(p.balance_real_held::numeric, 2)
    )
"""

#: every wallet made or overwritten with its player's amounts, whether it differs or not: what a backfill does at its barest
BARE_UPSERT: LiteralString = """
    insert into walletbalance (tenant_id, player_id, currency, balance_real_available, balance_real_pending,
                               balance_bonus_available, balance_bonus_pending)
    select tenant_id, id, 'USD', balance_real_available, balance_real_held, 0, 0 from player where tenant_id = 'bench'
    on conflict (tenant_id, player_id, currency) do update
    set balance_real_available = excluded.balance_real_available, balance_real_pending = excluded.balance_real_pending,
        updated_at = now()
"""

#: the same, but wallets that are equal are not written: a sharper floor where few differ
SPARING_UPSERT: LiteralString = (
    BARE_UPSERT
    + """
    where round(walletbalance.balance_real_available::numeric, 2) <> round(excluded.balance_real_available::numeric, 2)
       or round(walletbalance.balance_real_pending::numeric, 2) <> round(excluded.balance_real_pending::numeric, 2)
"""
)

#: wallets that differ though neither a booking that only the wallet gets nor spoiling says so; one row: their number
DRIFT: LiteralString = """
    with wallet_only as (
        select player_id, sum(amount) as amount from ledgertransaction where 'deposit_captured' in (type, status)
        group by player_id
    ), off as (
        select
            round((w.balance_real_available - p.balance_real_available - coalesce(o.amount, 0))::numeric, 2) as available,
            round((w.balance_real_pending - p.balance_real_held)::numeric, 2) as pending
        from player p
        join walletbalance w on w.tenant_id = p.tenant_id and w.player_id = p.id and w.currency = 'USD'
        left join wallet_only o on o.player_id = p.id
    )
    select count(*) filter (where (available, pending) not in ((0, 0), (-777.77, 777.77))) from off
"""

#: wallets that hold less than the ledger booked to their player, debits taken off, and the USD that they lack; one row. What is
#: requested or rejected stays the player's, in another place.
LOST: LiteralString = """
    with booked as (
        select player_id, sum(case direction when 'credit' then amount else -amount end) as amount
        from ledgertransaction where status not in ('withdraw_requested', 'withdraw_rejected') group by player_id
    ), lack as (
        select round((b.amount - w.balance_real_available - w.balance_real_pending)::numeric, 2) as amount
        from booked b join walletbalance w on w.tenant_id = 'bench' and w.player_id = b.player_id and w.currency = 'USD'
    )
    select count(*), coalesce(sum(amount), 0)::double precision from lack where amount > 0
"""
