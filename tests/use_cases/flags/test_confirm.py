"""confirm: a change counts when the store, every instance and the canary show it, and is called what was seen."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.use_cases.flags.rollout_world import BALANCE, SIGNATURE, rollout_world

from ledger_guard.adapters.flag_probes.probes import HttpFlagProbes
from ledger_guard.adapters.memory.probes import UNUSABLE
from ledger_guard.adapters.memory.probes import InMemoryFlagProbes as Probes
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE, ChangeStatus
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.policy.probes import Probe
from ledger_guard.use_cases.flags import flag_run
from ledger_guard.use_cases.flags.confirm import confirm
from ledger_sandbox.platform_requests import player_token
from ledger_sandbox.platform_service import CANARY_PLAYER, PlatformService, probes_section

SECRET_ENV, SECRET, TOKEN_ENV = "CANARY_SECRET", "very secret canary", "CANARY_TOKEN"


def _rolled_back(probes=None):
    world = rollout_world()
    world.deps = replace(world.deps, probes=probes)
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    world.approved_roll_back(world.incident())
    return world


@pytest.mark.parametrize(
    ("probes", "status", "says"),
    [
        pytest.param(None, ChangeStatus.UNCONFIRMED, "names no instance probe and no canary", id="nothing named"),
        pytest.param(Probes([False]), ChangeStatus.UNCONFIRMED, "no canary", id="instances alone"),
        pytest.param(Probes(None, shows=False), ChangeStatus.UNCONFIRMED, "no probe of the instances", id="canary alone"),
        pytest.param(Probes([False, False], shows=False), ChangeStatus.CONFIRMED, "canary shows off", id="all show it"),
        pytest.param(Probes([False, True], shows=False), ChangeStatus.NOT_IN_EFFECT, "instance 2 serves on", id="one is late"),
        pytest.param(Probes([False], shows=True), ChangeStatus.NOT_IN_EFFECT, "canary shows on", id="no effect"),
        pytest.param(Probes(None, shows=True), ChangeStatus.NOT_IN_EFFECT, "canary shows on", id="the only one denies it"),
        pytest.param(Probes([False], shows=UNUSABLE), ChangeStatus.UNCONFIRMED, "canary is unusable", id="unusable canary"),
        pytest.param(Probes([UNUSABLE], shows=False), ChangeStatus.UNCONFIRMED, "1 is unusable", id="unusable instance"),
        pytest.param(Probes([UNUSABLE, True], shows=False), ChangeStatus.NOT_IN_EFFECT, "2 serves on", id="another denies it"),
    ],
)
def test_a_change_is_called_what_was_seen_of_it(probes, status, says):
    world = _rolled_back(probes)
    found = confirm(world.deps, BALANCE, EVERYWHERE)
    assert found.status is status
    assert says in found.finding
    with world.deps.state.transaction() as state:
        assert state.flag_changes.latest(BALANCE, EVERYWHERE) == found
    assert world.audit("confirm")[0]["finding"] == found.finding


def test_a_restart_that_is_still_to_be_done_is_not_in_effect_whatever_the_store_holds():
    world = _rolled_back(Probes([False], shows=False))
    world.memory.flags.unfinished[BALANCE] = "a restart"
    assert confirm(world.deps, BALANCE, EVERYWHERE).status is ChangeStatus.NOT_IN_EFFECT


@pytest.mark.parametrize(
    ("probes", "ending"),
    [
        pytest.param(None, ActionStatus.DONE, id="written, and plainly unconfirmed"),
        pytest.param(Probes([True], shows=False), ActionStatus.FAILED, id="contradicted: failed"),
    ],
)
def test_how_a_run_ends_tells_unconfirmed_from_contradicted(probes, ending):
    world = rollout_world()
    world.deps = replace(world.deps, probes=probes)
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    incident = world.incident()
    params = {"flag": BALANCE, "tenant_id": EVERYWHERE, "incident_id": incident}
    question = flag_run.roll_back_question(world.deps, params, "oncall")
    world.approved_roll_back(incident)
    if ending is ActionStatus.FAILED:
        with pytest.raises(SafetyRefusal, match="was written, but is not_in_effect: instance 1 serves on"):
            flag_run.confirm_run(world.deps, params)
    else:
        assert flag_run.confirm_run(world.deps, params).startswith("unconfirmed: the policy names no probe")
    status, words = flag_run.close_run(world.on_record(), ApprovalKind.FLAG_ROLLBACK, params, question)
    assert status is ending
    assert ("unconfirmed" if ending is ActionStatus.DONE else "instance 1 serves on") in words


# --- over HTTP ----------------------------------------------------------------------------------------------------


@pytest.fixture
def platform():
    """Two instances that obey what the test sets."""
    values: dict[str, bool] = {}
    instances = [PlatformService(lambda flag, _: values.get(flag, False), SECRET, follows_table=True).start() for _ in range(2)]
    yield values, instances
    for instance in instances:
        instance.stop()


def _probes(instances, sleep=lambda _: None, environment=None):
    found = probes_section(instances, SECRET_ENV, TOKEN_ENV)
    probes = {flag: Probe.model_validate_json(json.dumps(section)) for flag, section in found.items()}
    return HttpFlagProbes(
        probes, {SECRET_ENV: SECRET, TOKEN_ENV: player_token(*CANARY_PLAYER)} if environment is None else environment, sleep
    )


@pytest.mark.parametrize("flag", [BALANCE, SIGNATURE])
@pytest.mark.parametrize("value", [True, False], ids=["enforced", "not enforced"])
@pytest.mark.parametrize("wanted", [True, False], ids=["wanted on", "wanted off"])
def test_instances_and_canary_show_exactly_what_the_platform_does(platform, flag, value, wanted):
    values, instances = platform
    values[flag] = value
    probes = _probes(instances)
    assert {finding.is_in_effect for finding in probes.instances(flag, EVERYWHERE, wanted)} == {value is wanted}
    assert probes.canary(flag, EVERYWHERE, wanted).is_in_effect is (value is wanted)


def test_an_instance_that_comes_back_later_is_waited_for(platform):
    _, instances = platform
    instances[1].pinned[SIGNATURE] = True
    pauses = []

    def restarted_after_three(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            instances[1].pinned.clear()

    findings = _probes(instances, restarted_after_three).instances(SIGNATURE, EVERYWHERE, wanted=False)
    assert [finding.is_in_effect for finding in findings] == [True, True]
    assert len(pauses) == 3


def test_an_instance_that_is_gone_is_named_when_the_time_is_up(platform):
    _, instances = platform
    gone = PlatformService(lambda *_: False, SECRET)
    pauses = []
    probes = _probes([instances[0], gone], pauses.append)
    gone._server.server_close()
    first, second = probes.instances(SIGNATURE, EVERYWHERE, wanted=False)
    assert (first.is_in_effect, second.is_in_effect) == (True, False)
    assert "did not answer" in second.words
    assert sum(pauses) == 20


def test_enforcement_that_refuses_rightly_signed_webhooks_too_is_not_in_effect(platform):
    values, instances = platform
    values[SIGNATURE] = True
    instances[0].secret = "another one"
    finding = _probes(instances).canary(SIGNATURE, EVERYWHERE, wanted=True)
    assert not finding.is_in_effect
    assert "the check refuses right signatures too" in finding.words


@pytest.mark.parametrize("code", ["KYC_REQUIRED", "INSUFFICIENT_FUNDS"])
def test_a_withdrawal_that_is_refused_for_another_reason_does_not_show_enforcement(platform, code):
    _, instances = platform
    instances[0].player_withdrawal = lambda *_: (400, {"detail": {"error_code": code}})
    finding = _probes(instances).canary(BALANCE, EVERYWHERE, wanted=True)
    assert finding.is_in_effect is (code == "INSUFFICIENT_FUNDS")
    assert not _probes(instances).canary(BALANCE, EVERYWHERE, wanted=False).is_in_effect


def test_without_its_secret_the_canary_shows_nothing_and_no_finding_ever_holds_it(platform):
    _, instances = platform
    assert "CANARY_SECRET is not set" in _probes(instances, environment={}).canary(SIGNATURE, EVERYWHERE, wanted=False).words
    assert SECRET not in _probes(instances).canary(SIGNATURE, EVERYWHERE, wanted=False).words


def test_a_canary_does_not_speak_for_a_tenant_that_is_not_its_own(platform):
    _, instances = platform
    probes = _probes(instances)
    assert probes.canary(SIGNATURE, "tenant-a", wanted=False) is None
    assert probes.canary(BALANCE, "tenant-a", wanted=False) is None
    assert probes.canary(BALANCE, "canary", wanted=False) is not None
