"""What a run of the platform's own script did, judged by the wallets before and after: output and exit code prove nothing.

Pure rule: plan rows, differences before, differences after → what became of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from ledger_guard.domain.errors import LedgerGuardError
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import PlanRow


class CommandFailed(LedgerGuardError):
    """The platform's script failed before it could write: read its last lines in the audit log, fix the cause."""


class CommandEnd(str, Enum):
    """How a started command ended."""

    EXITED = "exited"
    #: ended by us: it took longer than the policy allows
    TIMED_OUT = "timed_out"
    #: ended by us: someone stopped the run
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class CommandRun:
    """One process, from start to end. Everything here is masked and may be stored."""

    #: the argument list
    command: tuple[str, ...]
    end: CommandEnd
    #: as in a shell (128 + n for signal n); None when it was ended by us
    exit_code: int | None
    seconds: float
    #: its last lines, stdout and stderr as they came, oldest first
    output: tuple[str, ...] = ()
    #: earlier lines that were not kept
    lines_dropped: int = 0

    @property
    def ended_well(self) -> bool:
        """It ended by itself with exit code 0; that says nothing about what it did."""
        return self.end is CommandEnd.EXITED and self.exit_code == 0

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        how = f"ended with exit code {self.exit_code}" if self.end is CommandEnd.EXITED else f"was {self.end.value}"
        return f"{how.replace('_', ' ')} after {self.seconds:.1f} s"


@dataclass(frozen=True)
class WalletChanges:
    """What happened to a tenant's wallets, by player id, each group sorted."""

    #: plan rows whose player and wallet agree now
    applied: tuple[str, ...] = ()
    #: plan rows whose wallet still is what the plan saw
    not_applied: tuple[str, ...] = ()
    #: plan rows whose wallet changed, yet does not agree with the player
    still_different: tuple[str, ...] = ()
    #: protected wallets, set aside by the plan, that changed: money that the ledger explains
    protected_changed: tuple[str, ...] = ()
    #: other differing wallets, not in the plan, that changed
    changed_outside: tuple[str, ...] = ()
    #: players whose wallet agreed before and does not now
    new_differences: tuple[str, ...] = ()
    #: players with a wallet-only movement during the run that their wallet does not show
    movements_erased: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each group that should be empty and is not."""
        said = (
            (self.not_applied, "rows of the plan were not written"),
            (self.still_different, "rows of the plan were changed and still differ"),
            (self.protected_changed, "protected wallets were changed: money that the ledger explains may be erased"),
            (self.changed_outside, "differing wallets that are not in the plan were changed"),
            (self.new_differences, "wallets that agreed before differ now"),
            (self.movements_erased, "wallets do not show a movement that was booked during the run: it may be erased"),
        )
        return tuple(f"{len(players)} {sentence}" for players, sentence in said if players)


@dataclass(frozen=True)
class CommandOutcome:
    """A dry-run and a run of the platform's script for one plan, and their result."""

    plan_id: str
    tenant_id: str
    dry_run: CommandRun
    run: CommandRun
    changes: WalletChanges
    #: other tenants whose number of mismatches changed meanwhile, (before, after): live traffic does that too; None when
    #: they could not be counted
    other_tenants: Mapping[str, tuple[int, int]] | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences about every deviation from the plan; empty when there is none."""
        ending = () if self.run.ended_well else (f"the script {self.run.ending}",)
        return ending + self.changes.problems

    @property
    def is_done(self) -> bool:
        """The script ended well, every row of the plan is written, and no other change was found."""
        return not self.problems

    @property
    def remarks(self) -> tuple[str, ...]:
        """What this outcome can't show."""
        if self.other_tenants is None:
            others = "mismatches of other tenants could not be counted"
        else:
            others = f"mismatches of {len(self.other_tenants)} other tenants changed meanwhile"
        return (f"{others}; whether the script wrote to wallets of other tenants that agree is not known",)


def wallet_changes(
    plan_rows: Iterable[PlanRow],
    before: Sequence[PlanRow],
    after: Sequence[PlanRow],
    movements_erased: Sequence[str] = (),
) -> WalletChanges:
    """Judge a run by the tenant's differences before and after it.

    `before` and `after` hold every difference of the tenant, whatever the plan's mode. A deleted player counts as
    agreeing: nothing differs any more.
    """
    planned = {row.player_id: row for row in plan_rows if row.cause.is_writable}
    left_out = {row.player_id: row for row in before if row.player_id not in planned}
    now = {row.player_id: row for row in after}
    moved = [player_id for player_id, row in left_out.items() if _wallet(now.get(player_id)) != _wallet(row)]
    protected = [player_id for player_id in moved if left_out[player_id].cause is RowCause.PROTECTED]
    untouched = [player_id for player_id, row in planned.items() if player_id in now and _wallet(now[player_id]) == _wallet(row)]
    return WalletChanges(
        applied=_sorted(planned.keys() - now.keys()),
        not_applied=_sorted(untouched),
        still_different=_sorted((planned.keys() & now.keys()) - set(untouched)),
        protected_changed=_sorted(protected),
        changed_outside=_sorted(set(moved) - set(protected)),
        new_differences=_sorted(now.keys() - planned.keys() - left_out.keys()),
        movements_erased=_sorted(movements_erased),
    )


def wallets_moved(before: Sequence[PlanRow], after: Sequence[PlanRow]) -> tuple[int, Cents]:
    """How many wallets changed during a run, and by how much: each of a wallet's two amounts by itself.

    A wallet that differs no more holds what its player row does. Of one that agreed before and differs now, what it is off by is
    taken for what moved it.
    """
    then, now = {row.player_id: row for row in before}, {row.player_id: row for row in after}
    moved = [
        abs(row.player_available - (row.wallet_available or 0)) + abs(row.player_held - (row.wallet_pending or 0))
        for player_id, row in then.items()
        if player_id not in now
    ]
    for player_id, row in now.items():
        if player_id not in then:
            moved.append(row.moved)
        elif _wallet(row) != _wallet(then[player_id]):
            was, found = _amounts(then[player_id]), _amounts(row)
            moved.append(abs(found[0] - was[0]) + abs(found[1] - was[1]))
    return len(moved), sum(moved)


def _amounts(row: PlanRow) -> tuple[Cents, Cents]:
    return row.wallet_available or 0, row.wallet_pending or 0


def _wallet(row: PlanRow | None) -> tuple[Cents | None, Cents | None] | None:
    return None if row is None else (row.wallet_available, row.wallet_pending)


def _sorted(player_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(player_ids))
