"""`audit verify` and `audit export`, as an auditor calls them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.state.samples import NOON, an_event, an_incident

from ledger_guard import wiring
from ledger_guard.adapters.memory.guard import MemoryWorld, memory_world
from ledger_guard.cli import main
from ledger_guard.domain.audit import AuditEvent, entry_hash
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.windows import UTC
from ledger_guard.policy.loader import load_policy


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    world = memory_world(load_policy(), NOON)
    monkeypatch.setattr(wiring, "open_guard", lambda policy=None: world.guard)
    return world


def append(world: MemoryWorld, *events: AuditEvent) -> None:
    with world.state.transaction() as state:
        for event in events:
            state.audit.append(event)


def spoil(world: MemoryWorld) -> None:
    entries = world.state.tables.audit
    entries[2] = replace(entries[2], event=replace(entries[2].event, actor="nobody"))


def test_a_whole_log_is_verified_with_exit_0_and_its_head_shown(world, capsys):
    append(world, an_event(1), an_event(2))
    assert main(["audit", "verify"]) == 0
    assert capsys.readouterr().out == f"whole: 2 entries, the last one {world.state.tables.audit_head[1]}\n"


def test_a_fault_is_named_on_one_line_of_stderr_with_exit_1(world, capsys):
    append(world, an_event(1), an_event(2), an_event(3))
    spoil(world)
    assert main(["audit", "verify"]) == 1
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "audit log: entry 2 was changed: its content does not give its hash\n")


def test_json_says_whether_the_log_is_whole_and_the_exit_code_agrees(world, capsys):
    append(world, an_event(1), an_event(2))
    assert main(["audit", "verify", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    spoil(world)
    assert main(["audit", "verify", "--json"]) == 1
    faulty = json.loads(capsys.readouterr().out)
    head = {"entries": 2, "head_hash": world.state.tables.audit_head[1]}
    assert whole == {"is_whole": True, "fault": None, **head}
    assert faulty == {"is_whole": False, "fault": "entry 2 was changed: its content does not give its hash", **head}


def exported(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_everything_is_exported_oldest_first_and_every_hash_can_be_recomputed(world, capsys):
    append(world, an_event(1), an_event(2, tenant_id="tenant-a"), an_event(3, incident_id=new_id()))
    assert main(["audit", "export"]) == 0
    lines = exported(capsys)
    assert [line["sequence"] for line in lines] == [1, 2, 3]
    for line in lines:
        at = NOON.fromisoformat(line["at"]).astimezone(UTC)
        fields = {key: line[key] for key in ("verb", "actor", "subject", "detail", "incident_id", "tenant_id")}
        assert entry_hash(line["sequence"], AuditEvent(at=at, **fields), line["previous_hash"]) == line["entry_hash"]


def test_an_export_can_be_that_of_an_incident_or_a_tenant(world, capsys):
    incident = an_incident()
    with world.state.transaction() as state:
        state.incidents.add(incident)
    append(world, an_event(1, incident_id=incident.incident_id), an_event(2, tenant_id="tenant-a"), an_event(3))
    assert main(["audit", "export", "--incident", incident.incident_id]) == 0
    assert [line["sequence"] for line in exported(capsys)] == [1]
    assert main(["audit", "export", "--tenant", "tenant-a"]) == 0
    assert [line["sequence"] for line in exported(capsys)] == [2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--incident", new_id()], "does not exist", id="unknown incident"),
        pytest.param(["--tenant", ""], "tenant id: is empty", id="empty tenant"),
        pytest.param(["--tenant", "%"], "tenant id:", id="a pattern for a tenant"),
        pytest.param(["--tenant", "a" * 10_000], "has 10000 characters", id="a tenant too long"),
    ],
)
def test_bad_input_is_one_line_with_exit_2(world, capsys, arguments, said):
    append(world, an_event(1))
    assert main(["audit", "export", *arguments]) == 2
    written = capsys.readouterr()
    assert (written.out, written.err.count("\n")) == ("", 1)
    assert said in written.err
