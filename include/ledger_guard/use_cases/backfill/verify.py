"""verify: compare a tenant and a plan's rows again, and report what remains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.backfill import TenantCompared
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.finding_words import cause_in_words
from ledger_guard.domain.findings import DifferenceCounts, RowCause
from ledger_guard.domain.identifiers import checked_tenant_id, checked_uuid
from ledger_guard.domain.plan_rows import row_of
from ledger_guard.domain.plans import BackfillMode, Plan, RowState
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.backfill.dry_run import require_tenant

#: differing rows looked up in the plan at a time: memory does not grow with the tenant
_LOOKED_UP_TOGETHER = 5_000

#: for people: what happened to a planned row that differs now
_PAST = {
    RowState.PLANNED: "not forced yet",
    RowState.INTENDED: "write not confirmed",
    RowState.APPLIED: "changed again after the write",
    RowState.DRIFTED: "left alone: changed since the dry-run",
    RowState.RESTORED: "restored by an undo",
    RowState.KEPT: "kept by an undo: changed since the force",
    RowState.SET_ASIDE: "set aside by the plan",
}


@dataclass(frozen=True)
class RemainingRows:
    """Rows of the plan that are missing or differ now, by what happened to them and by their current cause."""

    state: RowState
    cause: RowCause
    rows: int

    def sentence(self) -> str:
        """For people."""
        return f"{self.rows} rows of the plan are {cause_in_words(self.cause)} now: {_PAST[self.state]}"


@dataclass(frozen=True)
class Verification:
    """A tenant, compared again."""

    counts: DifferenceCounts
    #: players were compared, and every wallet is right
    is_clean: bool
    #: sentences about everything found, including what does not count against `is_clean`
    remaining: tuple[str, ...]
    #: the plan's own rows that are missing or differ now; empty without a plan
    planned_rows: tuple[RemainingRows, ...] = ()
    #: the plan's goal is reached: in mode create-missing no wallet is missing, else as `is_clean`
    is_plan_done: bool = False

    @property
    def wrong_again(self) -> int:
        """Rows that the plan wrote and that are wrong again."""
        return sum(rows.rows for rows in self.planned_rows if rows.state is RowState.APPLIED)


@dataclass(frozen=True)
class _Compared:
    players: int
    counts: DifferenceCounts
    planned_rows: tuple[RemainingRows, ...]


def verify(deps: Dependencies, tenant_id: str, plan_id: str | None = None) -> Verification:
    """Compare the tenant now, including each row of the plan, and record the result.

    A tenant is clean by the same rule that counts mismatches and makes plans. A tenant without players, where the plan had some,
    is not clean: nothing was compared.

    Raises:
        BadInputError: no such tenant or plan, or the plan is another tenant's.
        SourceUnavailable: the platform did not answer; nothing is verified. Retry.
    """
    tenant = checked_tenant_id(tenant_id)
    plan, drifted = _plan(deps, tenant, plan_id)
    deps.ledger.check_columns()
    require_tenant(deps, tenant)
    compared = _compared(deps, tenant, plan)
    counts = compared.counts
    lost = plan is not None and plan.players > 0 and compared.players == 0
    only_missing = plan is not None and plan.mode is BackfillMode.CREATE_MISSING
    is_clean = not lost and counts.findings == 0
    is_plan_done = is_clean or (only_missing and not lost and counts.missing == 0)
    remaining = (*_sentences(counts, lost=lost, drifted=drifted), *(rows.sentence() for rows in compared.planned_rows))
    found = Verification(counts, is_clean, remaining, compared.planned_rows, is_plan_done)
    with deps.state.transaction() as state:
        state.audit.append(
            recorded(
                TenantCompared(
                    counts=asdict(counts),
                    players=compared.players,
                    is_clean=is_clean,
                    remaining=found.remaining,
                    wrong_again=found.wrong_again or None,
                ),
                actor="ledger_guard",
                subject=f"plan:{plan.plan_id}" if plan else f"tenant:{tenant}",
                at=deps.wall_clock.now(),
                incident_id=plan.incident_id if plan else None,
                tenant_id=tenant,
            )
        )
    return found


def _compared(deps: Dependencies, tenant_id: str, plan: Plan | None) -> _Compared:
    remaining: Counter[tuple[RowState, RowCause]] = Counter()
    words = deps.policy.platform.words_hash
    with ExitStack() as stack:
        with deps.state.transaction() as state:
            seen = state.openings.seen(tenant_id, words)
            found = stack.enter_context(deps.ledger.differences(tenant_id, BackfillMode.FORCE, seen))
        lines = found.lines()
        while causes := _causes(islice(lines, _LOOKED_UP_TOGETHER)):
            if plan is not None:
                remaining.update(_planned_among(deps, plan, causes))
        with deps.state.transaction() as state:
            state.openings.add(tenant_id, words, found.new_openings(), deps.wall_clock.now())
        planned_rows = tuple(RemainingRows(state, cause, rows) for (state, cause), rows in sorted(remaining.items()))
        return _Compared(found.players, found.counts, planned_rows)


def _causes(lines: Iterator[bytes]) -> dict[str, RowCause]:
    return {row.player_id: row.cause for row in map(row_of, lines)}


def _planned_among(deps: Dependencies, plan: Plan, causes: Mapping[str, RowCause]) -> Iterator[tuple[RowState, RowCause]]:
    with deps.state.transaction() as state:
        states = state.plans.states_of(plan.plan_id, list(causes))
    for player_id, became in states.items():
        # Rows that the plan set aside for a human are counted with the tenant.
        if became is not RowState.SET_ASIDE or causes[player_id].is_writable:
            yield became, causes[player_id]


def _plan(deps: Dependencies, tenant_id: str, plan_id: str | None) -> tuple[Plan | None, int]:
    if plan_id is None:
        return None, 0
    with deps.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
        drifted = state.plans.row_counts(plan.plan_id).get(RowState.DRIFTED.value, 0)
    if plan.tenant_id != tenant_id:
        raise BadInputError(
            f"plan {plan.plan_id}: belongs to tenant {plan.tenant_id}, not to {tenant_id}; allowed: a plan of this tenant"
        )
    return plan, drifted


def _sentences(counts: DifferenceCounts, *, lost: bool, drifted: int) -> tuple[str, ...]:
    findings = (
        (int(lost), "no player was compared, although the plan had some: nothing is verified"),
        (counts.missing, f"{counts.missing} wallets are missing"),
        (counts.stale_wallet, f"{counts.stale_wallet} wallets do not hold what the evidence gives"),
        (counts.lost_update, f"{counts.lost_update} wallets differ from a ledger that shows a lost update in the player row"),
        (counts.disputed, f"{counts.disputed} wallets differ from the evidence, which does not show why"),
        (counts.unexplained, f"{counts.unexplained} wallets are unexplained: several explanations fit, a human must decide"),
        (counts.unreadable, f"{counts.unreadable} wallets can't be judged: an amount or currency code can't be read"),
        (counts.protected, f"{counts.protected} wallets are right (only the player row differs): never overwritten"),
        (counts.player_row_wrong, f"{counts.player_row_wrong} player rows lost an update: report this to the platform's team"),
        (drifted, f"{drifted} rows of the plan were left alone because they had changed since the dry-run"),
        (counts.float_noise, f"{counts.float_noise} wallets differ by less than a cent: not counted"),
        (counts.other_currency, f"{counts.other_currency} wallets are in other currencies and were not compared"),
        (counts.orphan, f"{counts.orphan} wallets have no player"),
    )
    return tuple(sentence for number, sentence in findings if number)
