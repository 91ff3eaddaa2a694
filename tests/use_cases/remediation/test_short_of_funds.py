"""Attack: players who ask for more than they have are to bring the guard to switch enforcement off and to backfill."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.triggers import T1

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.incidents import ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports.platform import AffectedSubject
from ledger_guard.use_cases.backfill.backfill_run import plan_run
from ledger_guard.use_cases.flags.flag_run import roll_back_question
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.health_check.decide import decide
from ledger_guard.use_cases.remediation.recovery import Recovery, recovery
from ledger_guard.use_cases.remediation.remediate import Case, open_case
from ledger_guard.use_cases.remediation.remediation_steps import ending, runs_to_start, triage_case

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
INCIDENT_ID = "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a33"
FLAG = "ledger_enforce_balance"
TENANTS = tuple(f"tenant-{number:02}" for number in range(20))
POLICY = load_policy()


def overdrawn(tenant: str, count: int = 57, first: int = 0) -> list[AffectedSubject]:
    """Players who hold what they should, and asked for more."""
    return [
        AffectedSubject(tenant, f"{tenant}-p{number:04}", 1, 5000, 5000, 5000, 5001) for number in range(first, first + count)
    ]


def wronged(tenant: str, count: int, asked: int | None = 5000) -> list[AffectedSubject]:
    """Players whose wallet lacks what they asked for and should have."""
    return [AffectedSubject(tenant, f"{tenant}-w{number:04}", 1, 5000, 100, 5000, asked) for number in range(count)]


def world_with(*subjects: AffectedSubject, scope: Scope = Scope.WIDESPREAD, tenants=TENANTS, behind: float = 0.02) -> MemoryWorld:
    world = memory_world(POLICY, NOON + timedelta(minutes=11))
    world.flags.put(FLAG, "*", is_enabled=True)
    for tenant in tenants:
        world.ledger.tenants.add(tenant)
        world.triage.shares_behind[tenant] = behind
    world.triage.affect(T1, NOON, *subjects)
    incident = Incident(
        incident_id=INCIDENT_ID,
        trigger=T1,
        status=IncidentStatus.OPEN,
        severity=Severity.SEVERE,
        scope=scope,
        tenants=tenants,
        opened_at=NOON,
        first_window_start=NOON,
        last_alarm_window_start=NOON,
        summary="refusals at ten times the baseline",
    )
    with world.state.transaction() as state:
        state.incidents.add(incident)
    return world


def everybody_short(but: dict[str, list[AffectedSubject]] | None = None) -> MemoryWorld:
    """1,140 players of twenty tenants ask for more than they have, save where `but` says otherwise."""
    but = but or {}
    return world_with(*(subject for tenant in TENANTS for subject in but.get(tenant, overdrawn(tenant))))


def triaged_case(world: MemoryWorld, run_id: str = "remediation__1") -> Case:
    case = open_case(world.deps, {"incident_id": INCIDENT_ID}, "ledger_guard", run_id)
    triage_case(world.deps, case)
    return case


def proposed(world: MemoryWorld, case: Case) -> tuple[list[str], list[str]]:
    """The flags rolled back and the tenants backfilled, if people agree."""
    found = [runs_to_start(world.deps, case, kind) for kind in ("roll_back", "backfill")]
    return [run["conf"]["flag"] for run in found[0]], [run["conf"]["tenant_id"] for run in found[1]]


# --- the attack ---------------------------------------------------------------------------------------------------


def test_a_wave_of_overdrawn_withdrawals_proposes_neither_rollback_nor_backfill():
    world = everybody_short()
    case = triaged_case(world)
    assert proposed(world, case) == ([], [])
    with world.state.transaction() as state:
        held = [each for each in state.actions.of_incident(INCIDENT_ID) if each.kind in ("roll_back", "backfill")]
    assert len(held) == 21
    assert {each.status for each in held} == {ActionStatus.REFUSED}
    assert all(each.outcome.startswith("not proposed: players are short of funds") for each in held)
    assert "backfill is not proposed for 20 of 20" in world.notifier.posted[-1].notice.summary


def test_the_remediation_ends_and_says_why_nothing_was_repaired():
    world = everybody_short()
    case = triaged_case(world)
    proposed(world, case)
    found = recovery(world.deps, case)
    assert found is Recovery.NOTHING_REPAIRED
    assert ending(world.deps, case, found).startswith("No repair is proposed: players are short of funds")


def test_the_question_of_a_person_carries_what_triage_found():
    world = everybody_short()
    triaged_case(world)
    params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT_ID}
    proposal = roll_back_question(world.deps, params, "oncall")["proposal"]
    assert proposal.startswith(
        "SHORT OF FUNDS: do not roll back. It would change nothing for these players. Triage at 2026-03-01T12:11"
    )
    assert "short of funds in 20 of 20 tenants" in proposal


def test_the_question_about_a_plan_carries_what_triage_found_in_its_tenant():
    world = everybody_short()
    triaged_case(world)
    world.ledger.add_player(TENANTS[0], "somebody", 10.0)
    params = {"tenant_id": TENANTS[0], "operation": "backfill", "mode": "force", "incident_id": INCIDENT_ID}
    proposal = plan_run(world.deps, params, "oncall")["proposal"]
    assert proposal.startswith(
        "SHORT OF FUNDS: a backfill would change nothing for the refused players. Triage at 2026-03-01T12:11"
    )


def test_a_question_about_an_incident_that_nobody_triaged_says_so():
    world = everybody_short()
    params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT_ID}
    assert roll_back_question(world.deps, params, "oncall")["proposal"].startswith("This incident has not been triaged yet.")


# --- true troubles, and those that triage can't tell --------------------------------------------------------------


def test_a_backfill_fault_everywhere_is_answered_as_the_policy_says():
    world = everybody_short({tenant: wronged(tenant, 20) for tenant in TENANTS})
    assert proposed(world, triaged_case(world)) == ([FLAG], list(TENANTS))


def test_a_backfill_fault_in_one_tenant_is_repaired_there():
    world = world_with(*wronged("tenant-00", 20), scope=Scope.ISOLATED, tenants=("tenant-00",))
    assert proposed(world, triaged_case(world))[1] == ["tenant-00"]


def test_tenants_that_are_short_take_no_faulty_tenants_place_among_those_that_get_a_run():
    tenants = (*TENANTS, "tenant-20", "tenant-21")
    short = [subject for tenant in TENANTS for subject in overdrawn(tenant)]
    world = world_with(*short, *wronged("tenant-20", 20), *wronged("tenant-21", 20), tenants=tenants)
    case = triaged_case(world)
    assert proposed(world, case) == ([], ["tenant-20", "tenant-21"])
    assert recovery(world.deps, case) is Recovery.WAITING


@pytest.mark.parametrize(("faulty", "flags"), [(2, []), (3, [FLAG]), (4, [FLAG])])
def test_the_flag_is_put_to_people_when_the_faulty_tenants_alone_would_be_widespread(faulty, flags):
    world = everybody_short({tenant: wronged(tenant, 20) for tenant in TENANTS[:faulty]})
    assert proposed(world, triaged_case(world)) == (flags, list(TENANTS[:faulty]))


@pytest.mark.parametrize(("count", "tenants"), [(4, []), (5, ["tenant-00"]), (6, ["tenant-00"])])
def test_a_wave_does_not_hide_the_players_whom_their_wallet_wrongs(count, tenants):
    """Among 900 overdrawn players they are fewer than a share of all that is behind anyway, and still are wronged."""
    subjects = [*overdrawn("tenant-00", 900), *wronged("tenant-00", count)]
    world = world_with(*subjects, scope=Scope.ISOLATED, tenants=("tenant-00",))
    assert proposed(world, triaged_case(world))[1] == tenants


@pytest.mark.parametrize(("players", "tenants"), [(999, []), (1000, ["tenant-00"]), (1001, ["tenant-00"])])
def test_where_more_players_were_refused_than_triage_looks_at_it_can_not_tell(players, tenants):
    world = world_with(*overdrawn("tenant-00", players), scope=Scope.ISOLATED, tenants=("tenant-00",))
    assert proposed(world, triaged_case(world))[1] == tenants


def test_where_the_log_names_no_players_everything_is_proposed_as_before():
    world = world_with()
    assert proposed(world, triaged_case(world)) == ([FLAG], list(TENANTS))


class Away:
    def __getattr__(self, _name):
        raise SourceUnavailable("the platform's balances: connection refused")


def test_where_triage_is_away_people_are_asked_for_the_flag():
    world = everybody_short()
    deps = replace(world.deps, triage=Away())
    case = open_case(deps, {"incident_id": INCIDENT_ID}, "ledger_guard", "remediation__1")
    assert len(runs_to_start(deps, case, "roll_back")) == 1


def test_an_earlier_remediations_triage_does_not_speak_for_a_later_one():
    """The later stage's triage failed, and something else may be wrong by now."""
    world = everybody_short()
    triaged_case(world)
    later = open_case(world.deps, {"incident_id": INCIDENT_ID}, "ledger_guard", "remediation__2")
    assert len(runs_to_start(replace(world.deps, triage=Away()), later, "roll_back")) == 1


# --- a fault behind a wave ----------------------------------------------------------------------------------------


def went_on(world: MemoryWorld):
    outcome = ClassifyOutcome(T1, 1, Change.CONTINUED, INCIDENT_ID, Severity.SEVERE, Scope.WIDESPREAD, None)
    return decide(world.deps, outcome)


def test_a_fault_behind_a_wave_is_answered_although_the_stage_was():
    world = everybody_short()
    proposed(world, triaged_case(world))
    assert went_on(world).branch == "nothing"
    world.triage.affect(T1, NOON, *wronged("tenant-00", 5))
    again = went_on(world)
    assert again.branch == "remediate"
    assert "__again__" in again.remediation_run_id
    assert proposed(world, triaged_case(world, again.remediation_run_id)) == ([], ["tenant-00"])
    assert went_on(world).branch == "nothing"
