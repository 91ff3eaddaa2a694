"""The runbook's first question of every flow, answered."""

import json
from datetime import timedelta

import pytest
from health_worlds import INCIDENT_ID, NOON, POLICY, audited, deliver, incident, window, world_at
from tests.triggers import T1, T2, T3

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import json_of
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.ports.platform import AffectedSubject, FailureGroup
from ledger_guard.signals.triage import triage
from ledger_guard.use_cases.flags.watch_flags import watch_flags
from ledger_guard.use_cases.health_check.sense import sense

FUNDED_BEHIND = {"player_available": 5000, "wallet_available": 100}
FUNDED_EQUAL = {"player_available": 100, "wallet_available": 100}


def world_with(**fields):
    world = world_at(window(3).start)
    world.deps.flags.put("ledger_enforce_balance", "*", True)
    with world.deps.state.transaction() as state:
        state.incidents.add(incident(**fields))
    return world


def subject(player, events=1, tenant="a", **balances):
    return AffectedSubject(tenant, player, events, **balances)


@pytest.mark.parametrize(
    ("subjects", "word"),
    [
        pytest.param([subject("p1", **FUNDED_BEHIND), subject("p2", **FUNDED_BEHIND)], "backfill fault", id="all wallets behind"),
        pytest.param([subject("p1", **FUNDED_BEHIND), subject("p2", **FUNDED_EQUAL)], "backfill fault", id="half of them"),
        pytest.param(
            [subject("p1", **FUNDED_BEHIND), subject("p2", **FUNDED_EQUAL), subject("p3", **FUNDED_EQUAL)],
            "part backfill fault, part short of funds",
            id="a third of them",
        ),
        pytest.param([subject("p1", **FUNDED_EQUAL)], "short of funds", id="wallets equal their players"),
        pytest.param([subject("p1", player_available=100, wallet_available=900)], "short of funds", id="wallet above its player"),
        pytest.param([subject("p1", player_available=100)], "backfill fault", id="no wallet row counts as empty"),
        pytest.param([subject("p1", player_available=0)], "short of funds", id="no wallet row and no money"),
        pytest.param([subject("p1")], "not known", id="no player row"),
        pytest.param([], "not known", id="the log names no players"),
        pytest.param([subject("p1"), subject("p2", **FUNDED_BEHIND)], "backfill fault", id="unknown players are left out"),
    ],
)
def test_t1_asks_whether_funds_are_short_or_the_backfill_is_at_fault(subjects, word):
    world = world_with()
    world.triage.affect(T1, NOON, *subjects)
    (tenant,) = triage(world.deps, INCIDENT_ID).tenants
    assert tenant.word == word
    assert tenant.conclusion.startswith(word)


@pytest.mark.parametrize(
    ("behind", "of_all", "word"),
    [
        pytest.param(27, 0.17, "short of funds", id="27 of 176 are behind, and 17 % of all: no sign of a fault"),
        pytest.param(45, 0.17, "part backfill fault, part short of funds", id="45 of 176 are more than chance makes of 17 %"),
        pytest.param(100, 0.17, "backfill fault", id="most of them"),
        pytest.param(100, 0.95, "short of funds", id="most of them, as of everybody"),
        pytest.param(176, 1.0, "backfill fault", id="all of them, as everybody"),
        pytest.param(27, 0.0, "part backfill fault, part short of funds", id="nobody else is behind"),
    ],
)
def test_t1_compares_with_how_many_of_all_players_are_behind(behind, of_all, word):
    world = world_with()
    world.triage.shares_behind["a"] = of_all
    balances = [FUNDED_BEHIND] * behind + [FUNDED_EQUAL] * (176 - behind)
    world.triage.affect(T1, NOON, *(subject(f"p{number}", **each) for number, each in enumerate(balances)))
    (tenant,) = triage(world.deps, INCIDENT_ID).tenants
    assert tenant.word == word
    assert f"of all players of the tenant: {of_all:.0%}" in tenant.conclusion


@pytest.mark.parametrize(
    ("asked", "word"),
    [(100_000_000, "short of funds"), (5001, "short of funds"), (5000, "backfill fault"), (None, "backfill fault")],
)
def test_who_asks_for_more_than_the_wallet_should_have_is_short_of_funds(asked, word):
    world = world_with()
    world.triage.affect(
        T1, NOON, subject("p1", player_available=1, right_available=5000, wallet_available=100, smallest_asked=asked)
    )
    assert triage(world.deps, INCIDENT_ID).tenants[0].word == word


def test_with_enforcement_off_no_wallet_has_refused_anyone():
    world = world_with()
    world.deps.flags.put("ledger_enforce_balance", "*", False)
    world.triage.affect(T1, NOON, subject("p1", **FUNDED_BEHIND))
    (tenant,) = triage(world.deps, INCIDENT_ID).tenants
    assert tenant.conclusion.startswith("short of funds: enforcement is off, so no wallet refused anyone")


def test_t1_names_players_up_to_the_policys_limit_those_with_a_fault_first():
    world = world_with()
    equal = [subject(f"q{number:02}", 9, **FUNDED_EQUAL) for number in range(20)]
    world.triage.affect(T1, NOON, *equal, subject("p1", 1, **FUNDED_BEHIND))
    (tenant,) = triage(world.deps, INCIDENT_ID).tenants
    assert len(tenant.listed) == POLICY.notification.list_at_most
    assert tenant.listed[0] == "p1: 1 refusal(s), player 50.00 USD, wallet 1.00 USD"
    assert tenant.figures["refused_players"] == 21


def test_t1_looks_at_the_incidents_windows_only():
    world = world_with(last_alarm_window_start=window(1).start)
    world.triage.affect(T1, window(0).start - timedelta(seconds=1), subject("before", **FUNDED_BEHIND))
    world.triage.affect(T1, window(1).end, subject("after", **FUNDED_BEHIND))
    world.triage.affect(T1, window(1).end - timedelta(seconds=1), subject("within", **FUNDED_BEHIND))
    assert [line.split(":")[0] for line in triage(world.deps, INCIDENT_ID).tenants[0].listed] == ["within"]


def test_an_incident_described_by_hand_is_about_the_hour_before_it():
    typed = NOON + timedelta(seconds=77)
    world = world_with(first_window_start=typed, last_alarm_window_start=typed)
    world.triage.affect(T1, NOON - timedelta(minutes=58), subject("p1", **FUNDED_BEHIND))
    assert triage(world.deps, INCIDENT_ID).tenants[0].word == "backfill fault"


def test_the_conclusion_counts_tenants_by_their_answer():
    world = world_with(tenants=("a", "b", "c"))
    world.triage.affect(T1, NOON, subject("p1", **FUNDED_BEHIND), subject("p2", tenant="b", **FUNDED_EQUAL))
    world.triage.affect(T1, NOON, subject("p3", tenant="c", **FUNDED_BEHIND))
    report = triage(world.deps, INCIDENT_ID)
    assert report.conclusion == "backfill fault in 2 of 3 tenants; short of funds in 1 of 3 tenants."


def test_t2_tells_providers_errors_and_shares():
    world = world_with(trigger=T2, tenants=("a", "b"))
    deliver(world, T2, range(3), {"a": (10, 10), "b": (0, 5)})
    sense(world.deps, T2)
    world.triage.fail(FailureGroup("mockpsp", "WEBHOOK_SIGNATURE_INVALID", 10, 10, NOON), FailureGroup("stripe", "", 0, 5, NOON))
    world.triage.affect(T2, NOON, subject("wh-1", 10))
    report = triage(world.deps, INCIDENT_ID)
    assert [(tenant.word, tenant.figures["failures"]) for tenant in report.tenants] == [
        ("all calls refused", 10),
        ("none refused", 0),
    ]
    assert report.facts[0][0] == "Provider mockpsp"
    assert "10 of 10 calls refused (100%)" in report.facts[0][1]
    assert report.facts[1] == ("Provider stripe", "none of 5 calls refused")


def test_t3_breaks_differences_down_by_cause_and_lists_the_largest():
    world = world_with(trigger=T3)
    world.ledger.add_player("a", "missing", 7.0)
    for player, available, wallet in (
        ("stale", 10.0, 4.0),
        ("disputed", 10.0, 30.0),
        ("unexplained", 10.0, 60.0),
        ("protected", 10.0, 110.0),
        ("fine", 1.0, 1.0),
    ):
        world.ledger.add_player("a", player, available)
        world.ledger.set_wallet("a", player, wallet)
    world.ledger.add_movement("a", "stale", LedgerRow("poker_win", "credit", 6.0, NOON, status="success"))
    world.ledger.add_movement("a", "disputed", LedgerRow("wallet", "credit", 1.0, NOON, status="manual_credit"))
    world.ledger.add_movement("a", "protected", LedgerRow("deposit", "credit", 100.0, NOON, status="deposit_captured"))
    report = triage(world.deps, INCIDENT_ID)
    (tenant,) = report.tenants
    assert tenant.conclusion == (
        "1 missing, 1 stale wallet, 1 disputed, 1 unexplained of 6 players; 1 right (only the player row differs)"
    )
    assert tenant.word == "missing"
    assert [line.split(":")[0] for line in tenant.listed] == ["unexplained", "disputed", "missing", "stale"]


def test_t3_calls_no_tenant_off_for_wallets_that_are_right_though_their_player_row_differs():
    world = world_with(trigger=T3)
    world.ledger.add_player("a", "p1", 10.0)
    world.ledger.set_wallet("a", "p1", 110.0)
    world.ledger.add_movement("a", "p1", LedgerRow("deposit", "credit", 100.0, NOON, status="deposit_captured"))
    (tenant,) = triage(world.deps, INCIDENT_ID).tenants
    assert (tenant.word, tenant.conclusion) == (
        "no difference",
        "0 of 1 players differ now; 1 right (only the player row differs)",
    )


def test_t3_says_when_nothing_differs_any_more():
    world = world_with(trigger=T3)
    world.ledger.add_player("a", "p1", 1.0)
    world.ledger.set_wallet("a", "p1", 1.0)
    assert triage(world.deps, INCIDENT_ID).conclusion == "a: 0 of 1 players differ now"


def test_t3_looks_at_no_more_tenants_than_the_policy_allows_and_names_the_others():
    names = tuple(f"t{number:02}" for number in range(22))
    world = world_with(trigger=T3, tenants=names)
    for name in names:
        world.ledger.add_player(name, f"p-{name}", 1.0)
    report = triage(world.deps, INCIDENT_ID)
    assert len(report.tenants) == POLICY.guardrails.max_tenants_per_incident == 20
    assert report.facts == (("Not checked, over the tenant limit", "t20, t21"),)


def test_the_report_reads_as_lines_facts_and_json():
    world = world_with()
    world.triage.affect(T1, NOON, subject("p1", **FUNDED_BEHIND))
    report = triage(world.deps, INCIDENT_ID)
    assert report.lines[0] == "Are players really short of funds, or is it a backfill fault?"
    assert report.as_facts()[0][0] == "a"
    assert json.loads(json.dumps(json_of(report)))["tenants"][0]["word"] == "backfill fault"


def test_a_triage_is_on_record():
    world = world_with()
    triage(world.deps, INCIDENT_ID)
    assert audited(world) == [("triage", f"incident:{INCIDENT_ID}")]


@pytest.mark.parametrize("incident_id", [INCIDENT_ID, "7", ""])
def test_an_unknown_incident_is_refused(incident_id):
    with pytest.raises(BadInputError):
        triage(world_at().deps, incident_id)


def test_what_somebody_changed_about_the_flag_past_the_guard_is_listed_as_a_change_in_time():
    world = world_with()
    watch_flags(world.deps)
    assert dict(triage(world.deps, INCIDENT_ID).facts) == {}
    world.deps.flags.put("ledger_enforce_balance", "a", False, by="mallory")
    world.deps.flags.put("webhook_signature_enforced", "*", False)
    watch_flags(world.deps)
    (label, words), *others = triage(world.deps, INCIDENT_ID).facts
    assert (label, others) == ("Changed past the guard", [])
    assert words.startswith("ledger_enforce_balance for tenant a: not set → off, changed past the guard, noticed ")
    assert 'by "mallory"' in words
