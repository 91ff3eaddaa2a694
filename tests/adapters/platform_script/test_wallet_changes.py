"""What became of a tenant's wallets is told by its differences before and after, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger_guard.domain.command_outcome import CommandEnd, CommandOutcome, CommandRun, WalletChanges, wallet_changes
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.plans import PlanRow

RUN = CommandRun(("python",), CommandEnd.EXITED, 0, 1.0)


def row(player_id: str, cause: RowCause = RowCause.STALE_WALLET, wallet: int | None = 1000) -> PlanRow:
    return PlanRow(player_id, "USD", cause, 2000, 0, wallet, None if wallet is None else 0, 2000, 0)


LAGS, MISSING, RICH = row("lags"), row("none", RowCause.MISSING, None), row("rich", RowCause.PROTECTED, 7000)


@pytest.mark.parametrize(
    ("after", "group"),
    [
        pytest.param([], "applied", id="a planned wallet that agrees now is applied"),
        pytest.param([LAGS], "not_applied", id="one that is as the plan saw it is not applied"),
        pytest.param([row("lags", wallet=1500)], "still_different", id="one that changed and does not agree is still different"),
        pytest.param(
            [replace(LAGS, player_available=2500)],
            "not_applied",
            id="an untouched wallet is not applied, whatever its player does",
        ),
    ],
)
def test_a_planned_row(after, group):
    assert wallet_changes([LAGS], [LAGS], after) == WalletChanges(**{group: ("lags",)})


@pytest.mark.parametrize(
    ("after", "group"),
    [
        pytest.param([RICH], None, id="a protected wallet that stays is as it should be"),
        pytest.param([], "protected_changed", id="a protected wallet that agrees now was overwritten"),
        pytest.param([row("rich", wallet=3000)], "protected_changed", id="a protected wallet with another amount was changed"),
    ],
)
def test_a_protected_wallet_that_the_plan_set_aside(after, group):
    expected = WalletChanges(**({} if group is None else {group: ("rich",)}))
    assert wallet_changes([RICH], [RICH], after) == expected


def test_a_differing_wallet_that_a_create_missing_plan_leaves_out_must_stay():
    assert wallet_changes([MISSING], [MISSING, LAGS], [LAGS]) == WalletChanges(applied=("none",))
    assert wallet_changes([MISSING], [MISSING, LAGS], []) == WalletChanges(applied=("none",), changed_outside=("lags",))


def test_a_player_who_differs_only_afterwards_is_a_new_difference():
    assert wallet_changes([LAGS], [LAGS], [row("b"), row("a")]) == WalletChanges(applied=("lags",), new_differences=("a", "b"))


def outcome(run: CommandRun = RUN, **groups: tuple[str, ...]) -> CommandOutcome:
    return CommandOutcome("plan", "casino_7", RUN, run, WalletChanges(**groups))


def test_all_applied_and_nothing_else_changed_is_done():
    assert outcome(applied=("a", "b")).is_done


@pytest.mark.parametrize(
    "group",
    ["not_applied", "still_different", "protected_changed", "changed_outside", "new_differences", "movements_erased"],
)
def test_one_player_in_any_other_group_is_a_problem(group):
    found = outcome(applied=("a",), **{group: ("b",)})
    assert (found.is_done, len(found.problems)) == (False, 1)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        pytest.param(replace(RUN, exit_code=1), "ended with exit code 1", id="failed"),
        pytest.param(replace(RUN, exit_code=None, end=CommandEnd.TIMED_OUT), "was timed out", id="timed out"),
        pytest.param(replace(RUN, exit_code=None, end=CommandEnd.CANCELLED), "was cancelled", id="cancelled"),
    ],
)
def test_a_script_that_ended_badly_is_not_done_even_when_all_rows_are_written(run, said):
    found = outcome(run, applied=("a",))
    assert not found.is_done
    assert said in found.problems[0]


def test_an_outcome_says_what_it_does_not_know_about_other_tenants():
    assert "could not be counted" in outcome().remarks[0]
    assert "is not known" in replace(outcome(), other_tenants={}).remarks[0]
