"""What must hold after a kill and what followed: wallets and journal agree, row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from tests.use_cases.backfill_kills.killed_worlds import KilledWorld, Wallets

from ledger_guard.domain.money import to_cents

Pair = tuple[float, float]
#: (before, after) by player; None where there is no wallet
Change = tuple[Pair | None, Pair | None]

#: the states of rows that an operation has written, and of those that it left alone
COUNTED = {"force": {"applied", "restored", "kept"}, "undo": {"restored"}}
LEFT = {"force": "drifted", "undo": "kept"}


def changes(before: Wallets, after: Wallets) -> dict[str, Change]:
    """What became of wallets while only the guard worked; nothing but the two amounts of the plan's currency may change."""
    found: dict[str, Change] = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        player_id, currency = key
        assert currency == "USD", f"{player_id}: a wallet in {currency} changed"
        old_bonus, new_bonus = (old or (0.0,) * 4)[2:], (new or (0.0,) * 4)[2:]
        assert old_bonus == new_bonus, f"{player_id}: the bonus went from {old_bonus} to {new_bonus}"
        found[player_id] = (old[:2] if old else None, new[:2] if new else None)
    return found


def assert_journal_agrees(
    world: KilledWorld, plan_id: str, written: dict[str, list[dict[str, Change]]], in_doubt: Collection[str] = ()
) -> dict[str, str]:
    """Every change of a run has one before-image, and each image of a row that counts as written has one change.

    `written` holds, by operation, what each of its runs changed. With two databases a wallet that was made or removed, and
    then moved before anybody said so in guard state, counts as left alone: somebody else may have made it first, and nothing
    tells. Those players are `in_doubt`: they may have been written without counting so, but never without an image. Returns
    the plan's row states.
    """
    states = world.world.states(plan_id)
    assert "intended" not in states.values(), states
    for operation, runs in written.items():
        counted = {player_id for player_id, state in states.items() if state in COUNTED[operation]}
        left = {player_id for player_id, state in states.items() if state == LEFT[operation]}
        made: dict[str, list[Change]] = defaultdict(list)
        for run in runs:
            for player_id, change in run.items():
                made[player_id].append(change)
        images = world.world.images(plan_id, operation)
        doubtful = {player_id for player_id in made.keys() & left & set(in_doubt) if None in images[player_id]}
        assert dict(made) == {player_id: [images[player_id]] for player_id in counted | doubtful}, operation
        assert images.keys() <= counted | left, operation
        if operation == "force":
            _assert_as_planned(world, plan_id, {player_id: images[player_id] for player_id in made})
        _assert_totals(world, plan_id, operation, done=len(counted), left=len(left))
    return states


def _assert_as_planned(world: KilledWorld, plan_id: str, images: dict[str, Change]) -> None:
    """What stood before a force's write is what the plan saw, in cents, and what stands after it the plan's target."""
    rows = {row.player_id: row for row in world.world.stored(plan_id).rows}
    for player_id, (before, after) in images.items():
        row = rows[player_id]
        seen = (row.wallet_available, row.wallet_pending) if before else (None, None)
        assert (row.wallet_available, row.wallet_pending) == seen, player_id
        assert tuple(map(to_cents, before or ())) == (seen if before else ()), player_id
        assert tuple(map(to_cents, after or ())) == (row.target_available, row.target_pending), player_id


def _assert_totals(world: KilledWorld, plan_id: str, operation: str, *, done: int, left: int) -> None:
    progress = world.ask_guard(
        "select done, left_alone from ledger_guard.backfill_progress where plan_id = %s and operation = %s", plan_id, operation
    )
    assert (progress or [(0, 0)]) == [(done, left)], operation
    written, alone = ("applied", "drifted") if operation == "force" else ("restored", "kept")
    audited = world.ask_guard(
        "select coalesce(sum((detail->>%s)::int), 0), coalesce(sum((detail->>%s)::int), 0) from ledger_guard.audit_entry"
        " where verb = %s and subject = %s and detail ? 'last_player_id'",
        *(written, alone, operation, f"plan:{plan_id}"),
    )
    assert audited == [(done, left)], operation


def total(wallets: Wallets) -> int:
    """All money in wallets, in cents."""
    return sum(to_cents(row[0]) + to_cents(row[1]) for row in wallets.values())


def added(runs: list[dict[str, Change]]) -> int:
    """What runs have added to wallets, in cents."""
    return sum(_cents(after) - _cents(before) for run in runs for before, after in run.values())


def _cents(pair: Pair | None) -> int:
    return sum(map(to_cents, pair or ()))
