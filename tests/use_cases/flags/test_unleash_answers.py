"""What the answers of Unleash's admin API mean, and that nothing else is taken for one."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
from pydantic import ValidationError
from tests.use_cases.flags.rollout_world import BALANCE, NOW

from ledger_guard.adapters.flag_stores.unleash import UnleashFlagStore
from ledger_guard.adapters.flag_stores.unleash_feature import (
    Environment,
    Event,
    Feature,
    Note,
    foreign,
    note_in,
    value_of,
    with_note,
)
from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.domain.errors import LedgerInvariantError, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.policy.flag_store import UnleashServer
from ledger_sandbox.stub_server import QuietHandler, StubServer

EVERYBODY = {"name": "flexibleRollout", "parameters": {"rollout": "100", "stickiness": "default", "groupId": "x"}}
NOTE = Note(is_enabled=True, by="lead", at="2026-01-01T00:00:00+00:00", reason="because", after=0, event=1)


def environment(*strategies, enabled: bool = True) -> Environment:
    return Environment.model_validate({"name": "production", "enabled": enabled, "strategies": list(strategies)})


@pytest.mark.parametrize(
    ("strategies", "value"),
    [
        pytest.param([EVERYBODY], True, id="everybody"),
        pytest.param([{"name": "default"}], True, id="the oldest strategy"),
        pytest.param([{**EVERYBODY, "parameters": {"rollout": "100"}}], True, id="no stickiness"),
        pytest.param([{**EVERYBODY, "parameters": {"rollout": "99", "stickiness": "default"}}], None, id="99 %"),
        pytest.param([{**EVERYBODY, "parameters": {"rollout": "100", "stickiness": "userId"}}], None, id="only who has an id"),
        pytest.param([{**EVERYBODY, "constraints": [{}]}], None, id="a constraint"),
        pytest.param([{**EVERYBODY, "segments": [1]}], None, id="a segment"),
        pytest.param([{**EVERYBODY, "disabled": True}], None, id="all inactive"),
        pytest.param([{"name": "gradualRolloutUserId", "parameters": {}}], None, id="another strategy"),
        pytest.param([], None, id="no strategy"),
        pytest.param([{**EVERYBODY, "constraints": [{}]}, EVERYBODY], True, id="one of two is enough"),
    ],
)
def test_on_is_a_value_only_where_one_active_strategy_reaches_everyone(strategies, value):
    feature = Feature(name=BALANCE, environments=[])
    assert value_of(feature, environment(*strategies))[0] is value
    assert value_of(feature, environment(*strategies, enabled=False)) == (False, "")


def test_a_flag_under_a_parent_flag_is_not_known_while_it_is_on():
    feature = Feature(name=BALANCE, environments=[], dependencies=[{"feature": "parent"}])
    assert value_of(feature, environment(EVERYBODY)) == (None, "in production it is on only where its parent flag is")


def events(*types: str) -> list[Event]:
    """The newest first, numbered from 1."""
    numbered = [Event.model_validate({"id": number, "type": each, "createdBy": "x"}) for number, each in enumerate(types, 1)]
    return numbered[::-1]


ON, OFF = "feature-environment-enabled", "feature-environment-disabled"


@pytest.mark.parametrize(
    ("types", "first"),
    [
        pytest.param([OFF], None, id="nothing since"),
        pytest.param([OFF, ON], None, id="the guard's own"),
        pytest.param([OFF, "feature-strategy-add", ON], None, id="with the strategy that goes with it"),
        pytest.param([OFF, ON, OFF], 3, id="turned back"),
        pytest.param([OFF, ON, OFF, ON], 3, id="to and fro"),
        pytest.param([OFF, "feature-strategy-update", ON], 2, id="a strategy changed"),
    ],
)
def test_what_is_not_the_guards_one_toggle_is_someone_elses(types, first):
    found = foreign(events(*types), 1, to_value=True)
    assert (found and found.id) == first


@pytest.mark.parametrize(
    "before", [None, "", "people's", "people's\n\n", "a\n" + with_note("", "production", NOTE).strip() + "\nb"]
)
def test_the_note_is_one_line_per_environment_and_is_found_again(before):
    other = with_note(before, "development", NOTE)
    text = with_note(other, "production", NOTE)
    assert (note_in(text, "production"), note_in(text, "development")) == (NOTE, NOTE)
    assert text.count("ledger_guard production: ") == 1
    assert note_in(with_note(text, "production", NOTE.model_copy(update={"event": 9})), "production").event == 9


@pytest.mark.parametrize("spoilt", ["ledger_guard production: {}", "ledger_guard production: off", " ledger_guard production: "])
def test_a_note_that_someone_spoilt_tells_nothing(spoilt):
    assert note_in(spoilt, "production") is None


SECTION = {"kind": "unleash", "base_url": "https://unleash.example.org", "environment": "production"}


@pytest.mark.parametrize("name", ["a", "pre-production_2.1~b", "x" * 100])
def test_a_name_that_unleash_allows_is_allowed(name):
    settings = UnleashServer.model_validate({**SECTION, "project": name, "environment": name})
    assert (settings.project, settings.environment) == (name, name)


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "a?b", "a b", "a%2e", "x" * 101])
@pytest.mark.parametrize("key", ["project", "environment"])
def test_a_name_that_would_lead_to_another_address_is_refused(key, name):
    with pytest.raises(ValidationError, match=key):
        UnleashServer.model_validate({**SECTION, key: name})


def test_the_environment_has_no_default():
    with pytest.raises(ValidationError, match="environment"):
        UnleashServer.model_validate({key: each for key, each in SECTION.items() if key != "environment"})


class Canned(StubServer):
    """Answers each address as it is told, by how the path begins."""

    def __init__(self, answers: dict[str, tuple[int, str]]) -> None:
        class Handler(QuietHandler):
            def do_GET(self):  # noqa: N802  http.server calls it so
                status, text = next(answer for path, answer in answers.items() if self.path.startswith(path))
                self.send_content(status, text.encode())

        super().__init__(Handler)


NO_EVENTS = json.dumps({"events": [], "total": 0})


@pytest.mark.parametrize(
    ("feature", "problem"),
    [
        pytest.param((404, "<html>"), SourceUnavailable, id="404 of something in between"),
        pytest.param((404, json.dumps({"name": "NoAccess"})), SourceUnavailable, id="404 that is about no flag"),
        pytest.param((404, "[]"), SourceUnavailable, id="404 in another form"),
        pytest.param((302, ""), SourceUnavailable, id="redirect"),
        pytest.param((500, "{}"), SourceUnavailable, id="500"),
        pytest.param((200, "<html>"), SourceUnavailable, id="a page"),
        pytest.param((200, json.dumps({"name": BALANCE})), SourceUnavailable, id="no environments"),
        pytest.param(
            (200, json.dumps({"name": BALANCE, "environments": [{"name": "production", "enabled": "yes"}]})),
            SourceUnavailable,
            id="not a truth value",
        ),
        pytest.param((200, json.dumps({"name": "other", "environments": []})), LedgerInvariantError, id="another flag"),
    ],
)
def test_no_other_answer_is_taken_for_a_value(feature, problem):
    server = Canned({"/api/admin/search/events": (200, NO_EVENTS), "/api/admin/projects/": feature}).start()
    settings = UnleashServer(kind="unleash", base_url=server.base_url, environment="production")
    caller = HttpCaller(timeout_seconds=5, attempts=1)
    try:
        with pytest.raises(problem, match="flag store"):
            UnleashFlagStore(settings, caller, nullcontext, SettableClock(NOW)).get(BALANCE, EVERYWHERE)
    finally:
        server.stop()


TURNED = {"id": 7, "type": ON, "createdBy": "anna", "createdAt": "2026-03-01T12:00:00.000Z"}
LATER = {"id": 8, "type": "feature-strategy-update", "createdBy": "boris", "createdAt": "2026-03-01T13:00:00.000Z"}


@pytest.mark.parametrize(
    ("found", "by", "at"),
    [
        pytest.param([TURNED], "anna", "2026-03-01T12:00:00+00:00", id="the toggle"),
        pytest.param([LATER, TURNED], "anna", "2026-03-01T12:00:00+00:00", id="the toggle, and something else since"),
        pytest.param([LATER], "boris", "2026-03-01T13:00:00+00:00", id="no toggle among the newest"),
        pytest.param([{**TURNED, "createdAt": "yesterday"}], "anna", None, id="no time"),
        pytest.param([{**TURNED, "createdAt": 4711}], "anna", None, id="a number"),
        pytest.param([{**TURNED, "createdAt": "2026-03-01T12:00:00"}], "anna", None, id="a time without a zone"),
        pytest.param([], "", None, id="no events"),
    ],
)
def test_who_turned_a_flag_and_when_come_from_unleashes_events(found, by, at):
    on = {"name": BALANCE, "environments": [{"name": "production", "enabled": True, "strategies": [EVERYBODY]}]}
    answers = {"/api/admin/search/events": (200, json.dumps({"events": found})), "/api/admin/projects/": (200, json.dumps(on))}
    server = Canned(answers).start()
    settings = UnleashServer(kind="unleash", base_url=server.base_url, environment="production")
    try:
        (state,) = UnleashFlagStore(settings, HttpCaller(timeout_seconds=5, attempts=1), nullcontext, SettableClock(NOW)).scopes(
            BALANCE
        )
    finally:
        server.stop()
    assert (state.changed_by, state.changed_at and state.changed_at.isoformat()) == (by, at)
