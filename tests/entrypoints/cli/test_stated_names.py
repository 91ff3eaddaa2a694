"""A name given on the command line is nobody's login: it is recorded as stated, and nothing that needs a right believes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import click
import pytest
from tests.use_cases.flags.rollout_world import BALANCE, RolloutWorld, rollout_world

from ledger_guard import wiring
from ledger_guard.domain.attestations import override_attested
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.flags import OverrideGranted
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.identities import AuthManager, UserId, stated, user_name
from ledger_guard.entrypoints.cli.main import cli, main
from ledger_guard.entrypoints.cli.person import as_stated
from ledger_guard.use_cases.flags.freeze import freeze, standing
from ledger_guard.use_cases.flags.override_freeze import override_freeze

#: options whose value is the name of whoever acts; an owner is a person who is told what to do
ACTORS = {"--by", "--actor", "--user", "--as"}
#: they keep the name as it was given, because stop and release compare it, and record `is_proved: false` beside it
COMPARED = {"stop", "release"}


def commands(group: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            yield from commands(group.get_command(context, name), f"{path} {name}".strip())
    else:
        yield path, group


NAMED = {
    path: option
    for path, command in commands(cli)
    for option in command.params
    if isinstance(option, click.Option) and ACTORS & {*option.opts}
}


@pytest.mark.parametrize("name", ["\u200b", "\u2060 \u200b", "  ", ""])
def test_a_name_that_can_not_be_seen_is_refused_as_empty(name, monkeypatch, capsys):
    monkeypatch.setattr(wiring, "open_dependencies", lambda: rollout_world().deps)
    assert main(["drill", "start", "T1", "--by", name]) == 2
    assert "the name of the person is empty" in capsys.readouterr().err


def test_the_verbs_that_take_a_name_are_known_here():
    """A new one is added to the table in docs/safety.md too."""
    assert set(NAMED) == {
        "audit use-key",
        "backfill cancel",
        "backfill dry-run",
        "backfill force",
        "backfill pause",
        "backfill resume",
        "backfill run-script",
        "backfill undo",
        "drill start",
        "incident acknowledge",
        "incident close",
        "ingest access-log",
        "mode lower",
        "mode raise",
        "release",
        "rollout end-override",
        "rollout freeze",
        "rollout plan-rotation",
        "rollout record-deploy",
        "rollout rotated",
        "silence end",
        "silence start",
        "stop",
    }


@pytest.mark.parametrize("path", sorted(NAMED))
def test_every_verb_records_the_name_as_stated_and_says_so_in_its_help(path):
    assert "stated, not proved" in NAMED[path].help
    assert NAMED[path].callback is (None if path in COMPARED else as_stated)


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        ("anna", "anna (stated, not proved)"),
        (" anna\n the  CTO ", "anna the CTO (stated, not proved)"),
        ("anna (stated, not proved)", "anna (stated, not proved)"),
        ("ledger_guard", "ledger_guard (stated, not proved)"),
        ("  ", ""),
    ],
)
def test_a_stated_name_says_so_once_and_is_never_another_ones(given, recorded):
    assert stated(given) == recorded


def test_no_login_is_taken_for_a_stated_name():
    with pytest.raises(SafetyRefusal, match="no login proved; needed: another user name"):
        user_name("anna (stated, not proved)", AuthManager("FabAuthManager", UserId.NUMBER))


@pytest.fixture
def world(monkeypatch) -> RolloutWorld:
    world = rollout_world()
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
    return world


def test_the_record_of_a_command_says_that_its_name_was_only_stated(world):
    assert main(["rollout", "freeze", "--flag", BALANCE, "--reason", "drift not understood", "--by", "anna"]) == 0
    assert main(["rollout", "record-deploy", "--version", "v2.3", "--by", "pipeline"]) == 0
    with world.deps.state.snapshot() as state:
        actors = [each.event.actor for each in state.audit.entries() if each.event.verb in ("freeze", "record_deploy")]
        (frozen,) = state.freezes.standing()
    assert actors == ["anna (stated, not proved)", "pipeline (stated, not proved)"]
    assert frozen.opened_by == "anna (stated, not proved)"


def test_a_name_that_may_override_has_no_right_when_it_was_only_stated(world):
    freeze(world.deps, BALANCE, EVERYWHERE, None, "stop the rollout", "oncall")
    with pytest.raises(SafetyRefusal, match="may not grant it; allowed: payments-lead, ops-lead"):
        override_freeze(world.deps, BALANCE, "tenant-a", 1, "a pilot agreed on", stated("ops-lead"))


def test_an_override_without_a_proved_name_on_record_opens_nothing(world):
    freeze(world.deps, BALANCE, EVERYWHERE, None, "stop the rollout", "oncall")
    now = world.deps.wall_clock.now()
    until = now + timedelta(hours=1)
    granted = FreezeOverride(new_id(), BALANCE, "tenant-a", "as earlier versions did", "ops-lead", now, until)
    fact = OverrideGranted(
        stage="granted",
        override_id=granted.override_id,
        reason=granted.reason,
        expires_at=until,
        freezes=(),
        attested=(override_attested(granted).row,),
    )
    with world.deps.state.transaction() as state:
        state.overrides.add(granted)
        state.audit.append(recorded(fact, actor="ops-lead", subject=f"flag:{BALANCE}@tenant-a", at=now))
    assert not standing(world.deps, BALANCE, "tenant-a").is_open
