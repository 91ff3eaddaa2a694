"""`audit verify` and `audit export`, as an auditor calls them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.adapters.guard_state.samples import NOON, an_event, an_incident

from ledger_guard import wiring
from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.domain.audit import AuditEvent, entry_hash
from ledger_guard.domain.audit_keys import parse_audit_keys
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.windows import UTC
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.audit.audit_export import as_line


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    world = memory_world(load_policy(), NOON)
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
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
    whole, marks, unkeyed = capsys.readouterr().out.splitlines()
    assert whole == f"intact: 2 entries, last hash {world.state.tables.audit_head[1]}"
    assert marks.startswith("marks: none, the log has no key")
    assert unkeyed.startswith("unkeyed: no audit key is set")


def test_a_fault_is_named_on_one_line_of_stderr_with_exit_1(world, capsys):
    append(world, an_event(1), an_event(2), an_event(3))
    spoil(world)
    assert main(["audit", "verify"]) == 1
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "audit log: entry 2 was changed: its content does not match its hash\n")


UNMARKED = {"marked_from": None, "is_mark_checked": True, "heads": 0, "is_keyed": False}


def test_json_says_whether_the_log_is_whole_and_the_exit_code_agrees(world, capsys):
    append(world, an_event(1), an_event(2))
    assert main(["audit", "verify", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    spoil(world)
    assert main(["audit", "verify", "--json"]) == 1
    faulty = json.loads(capsys.readouterr().out)
    head = {"entries": 2, "head_hash": world.state.tables.audit_head[1], **UNMARKED}
    assert whole == {"is_whole": True, "fault": None, **head}
    assert faulty == {"is_whole": False, "fault": "entry 2 was changed: its content does not match its hash", **head}


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


# --- keys, heads, exported files ----------------------------------------------------------------------------------

KEY, OTHER = "2026-01:" + "1f" * 32, "2026-02:" + "2e" * 32


@pytest.fixture
def keyed(monkeypatch) -> MemoryWorld:
    """A world whose log was begun without a key and goes on with one."""
    monkeypatch.setenv("LEDGER_GUARD_AUDIT_KEY", KEY)
    state = InMemoryGuardState(parse_audit_keys(KEY, "test"))
    world = memory_world(load_policy(), NOON)
    world = replace(world, state=state, deps=replace(world.deps, state=state))
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
    return world


def said(capsys) -> str:
    written = capsys.readouterr()
    return written.out + written.err


def test_verify_says_from_where_on_entries_are_marked(keyed, capsys):
    append(keyed, an_event(1), an_event(2))
    assert main(["audit", "verify"]) == 0
    assert "marks: from entry 1 on, all valid" in said(capsys)
    assert main(["audit", "verify", "--without-key"]) == 0
    assert "marks: not checked" in said(capsys)


def test_marked_entries_and_no_key_are_not_whole_unless_one_asks_for_the_chain_alone(keyed, capsys, monkeypatch):
    append(keyed, an_event(1))
    monkeypatch.delenv("LEDGER_GUARD_AUDIT_KEY")
    assert main(["audit", "verify"]) == 1
    assert "marked with key 2026-01, which was not given" in said(capsys)


def test_a_new_key_is_printed_once_and_can_be_used(capsys):
    assert main(["audit", "new-key", "2026-03"]) == 0
    text = capsys.readouterr().out.strip()
    assert parse_audit_keys(text, "test").newest.key_id == "2026-03"
    assert main(["audit", "new-key", "a:b"]) == 2


def test_use_key_marks_the_end_at_once_and_once(world, capsys, monkeypatch):
    append(world, an_event(1))
    assert main(["audit", "use-key", "--by", "anna"]) == 2
    assert "this process has no key" in said(capsys)
    monkeypatch.setenv("LEDGER_GUARD_AUDIT_KEY", KEY)
    state = InMemoryGuardState(parse_audit_keys(KEY, "test"))
    monkeypatch.setattr(state, "_tables", world.state.tables.copy())
    deps = replace(world.deps, state=state)
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: deps)
    assert main(["audit", "verify"]) == 1
    assert "`audit use-key` has not run" in said(capsys)
    assert main(["audit", "use-key", "--by", "anna"]) == 0
    assert "from entry 2 on: key 2026-01" in said(capsys)
    assert main(["audit", "use-key", "--by", "anna"]) == 0
    assert "already" in said(capsys)
    assert main(["audit", "verify"]) == 0
    assert state.tables.audit[2].event.actor == "anna (stated, not proved)"


def test_heads_go_on_record_and_the_log_is_held_against_them(keyed, capsys, tmp_path):
    file = tmp_path / "heads.jsonl"
    append(keyed, an_event(1), an_event(2))
    assert main(["audit", "export-head", str(file)]) == 0
    append(keyed, an_event(3))
    assert main(["audit", "export-head", str(file)]) == 0
    assert [json.loads(line)["sequence"] for line in file.read_text().splitlines()] == [2, 3]
    assert main(["audit", "verify", "--heads", str(file)]) == 0
    assert "2 exported heads: all are in the log" in said(capsys)
    cut_with_its_head(keyed, 2)
    assert main(["audit", "verify"]) == 0
    assert main(["audit", "verify", "--heads", str(file)]) == 1
    assert "the log ends at entry 2" in said(capsys)


def test_no_head_goes_on_record_over_one_that_the_log_lost(keyed, capsys, tmp_path):
    file = tmp_path / "heads.jsonl"
    append(keyed, an_event(1), an_event(2))
    main(["audit", "export-head", str(file)])
    before = file.read_text()
    cut_with_its_head(keyed, 1)
    append(keyed, an_event(2, actor="nobody"), an_event(3))
    assert main(["audit", "export-head", str(file)]) == 1
    assert "entry 2 is not the one recorded" in said(capsys)
    assert file.read_text() == before


@pytest.mark.parametrize("content", [None, "", "{}\n", "no json\n"], ids=["absent", "empty", "no head", "no JSON"])
def test_a_file_without_heads_is_bad_input(keyed, capsys, tmp_path, content):
    file = tmp_path / "heads.jsonl"
    if content is not None:
        file.write_text(content)
    assert main(["audit", "verify", "--heads", str(file)]) == 2
    assert str(file) in said(capsys)


def cut_with_its_head(world: MemoryWorld, last: int) -> None:
    tables = world.state.tables
    for sequence in [number for number in tables.audit if number > last]:
        del tables.audit[sequence]
    tables.audit_head = (last, tables.audit[last].entry_hash)


@pytest.fixture
def export_file(keyed, tmp_path, capsys):
    """Entries 2 and 4 of tenant-a, exported."""
    append(keyed, an_event(1), an_event(2, tenant_id="tenant-a"), an_event(3), an_event(4, tenant_id="tenant-a"))
    capsys.readouterr()
    assert main(["audit", "export", "--tenant", "tenant-a"]) == 0
    file = tmp_path / "tenant-a.jsonl"
    file.write_text(capsys.readouterr().out)
    return file


def test_an_exported_file_is_right_by_itself_and_in_the_log(export_file, capsys):
    assert main(["audit", "verify-export", str(export_file), "--tenant", "tenant-a"]) == 0
    assert said(capsys) == "valid: 2 entries, 2 to 4; all are in the log; 2 carry a key's mark, all valid\n"
    assert main(["audit", "verify-export", "--offline", str(export_file)]) == 0
    assert "not compared with the log" in said(capsys)


def rewritten(file, edit) -> None:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(as_line(line) + "\n" for line in edit(lines)))


def honest_hash(line: dict) -> dict:
    """The line with a hash that its content gives, and the mark it had."""
    fields = {key: line[key] for key in ("verb", "actor", "subject", "detail", "incident_id", "tenant_id")}
    event = AuditEvent(at=NOON.fromisoformat(line["at"]), **fields)
    return line | {"entry_hash": entry_hash(line["sequence"], event, line["previous_hash"], line["key_id"])}


@pytest.mark.parametrize(
    ("edit", "arguments", "fault"),
    [
        pytest.param(lambda x: [x[0] | {"actor": "x"}, x[1]], ["--offline"], "entry 2 was changed", id="edited line"),
        pytest.param(
            lambda x: [honest_hash(x[0] | {"actor": "x"}), x[1]], ["--offline"], "entry 2 has a mark", id="and its hash"
        ),
        pytest.param(lambda x: x[::-1], ["--offline"], "entry 2 comes after 4", id="reordered lines"),
        pytest.param(lambda x: [x[0], x[0]], ["--offline"], "entry 2 comes after 2", id="doubled line"),
        pytest.param(
            lambda x: x[1:], ["--tenant", "tenant-a"], "entry 2 of this incident or tenant is in the log", id="left out"
        ),
        pytest.param(
            lambda x: [x[0], honest_hash(x[1] | {"actor": "x"})],
            ["--without-key"],
            "entry 4 differs from the log",
            id="not the log's",
        ),
        pytest.param(lambda x: [honest_hash(x[0] | {"sequence": 9})], ["--without-key"], "entry 9 is not in the log", id="added"),
    ],
)
def test_a_changed_export_is_found(export_file, capsys, edit, arguments, fault):
    rewritten(export_file, edit)
    assert main(["audit", "verify-export", str(export_file), *arguments]) == 1
    assert fault in said(capsys)


def test_lines_that_are_no_entries_and_offline_with_a_tenant_are_bad_input(export_file, capsys):
    assert main(["audit", "verify-export", "--offline", "--tenant", "tenant-a", str(export_file)]) == 2
    assert "needs the log" in said(capsys)
    export_file.write_text('{"sequence": 1}\n')
    assert main(["audit", "verify-export", "--offline", str(export_file)]) == 2
    assert "line 1: is not an entry of the audit log" in said(capsys)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        pytest.param("2026-01", "key 1 of 1 is not valid", id="no secret"),
        pytest.param("2026-01:" + "1f" * 31, "key 1 of 1 is not valid", id="a byte too short"),
        pytest.param("2026-01:" + "zz" * 32, "key 1 of 1 is not valid", id="not hexadecimal"),
        pytest.param(f"{KEY} {KEY}", "two keys with the id 2026-01", id="one id twice"),
        pytest.param("# nothing but a comment", "holds no key", id="no key at all"),
    ],
)
def test_a_key_that_is_none_is_bad_input_and_never_shown(monkeypatch, text, wrong):
    monkeypatch.setenv("LEDGER_GUARD_AUDIT_KEY", text)
    with pytest.raises(BadInputError, match=wrong) as raised:
        wiring.audit_keys()
    assert "1f1f" not in str(raised.value)
    assert "zzzz" not in str(raised.value)


def test_keys_come_from_a_file_oldest_first_and_from_one_place_only(monkeypatch, tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# of the audit log\n{KEY}\n{OTHER}\n")
    monkeypatch.setenv("LEDGER_GUARD_AUDIT_KEY_FILE", str(file))
    assert wiring.audit_keys().newest.key_id == "2026-02"
    assert repr(wiring.audit_keys()) == "AuditKeys(2026-01, 2026-02)"
    monkeypatch.setenv("LEDGER_GUARD_AUDIT_KEY", KEY)
    with pytest.raises(BadInputError, match="both set"):
        wiring.audit_keys()
    monkeypatch.delenv("LEDGER_GUARD_AUDIT_KEY")
    file.unlink()
    with pytest.raises(BadInputError, match="can't be read"):
        wiring.audit_keys()
