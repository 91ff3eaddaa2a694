"""flagd's file: what the guard did not write is kept or refused."""

from __future__ import annotations

import json

import pytest
from tests.flag_writes import compare_and_set
from tests.use_cases.flags.flag_stores import flagd_store
from tests.use_cases.flags.rollout_world import BALANCE, SIGNATURE

from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.flags import EVERYWHERE, FlagState

OTHER = {
    "state": "ENABLED",
    "variants": {"a": 1, "b": 2},
    "defaultVariant": "a",
    "targeting": {"fractional": [["a", 50], ["b", 50]]},
}


def _in(variable: str, listed: object) -> dict:
    """A condition of a targeting rule."""
    return {"in": [{"var": variable}, listed]}


def _file(flag: object) -> str:
    return json.dumps(
        {"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": {"other": OTHER, BALANCE: flag}, "metadata": {"x": 1}}
    )


def _boolean(**changes: object) -> dict:
    return {"state": "ENABLED", "variants": {"yes": True, "no": False}, "defaultVariant": "yes", **changes}


def test_values_stand_as_flagd_reads_them(tmp_path):
    store = flagd_store(tmp_path, _file(_boolean(metadata={"team": "payments"})))
    compare_and_set(store, FlagState(BALANCE, "tenant-a", None), False, "payments-lead", "pilot")
    document = json.loads((tmp_path / "flags.json").read_text())
    flag = document["flags"][BALANCE]
    assert flag["targeting"] == {"if": [{"in": [{"var": "tenant_id"}, ["tenant-a"]]}, "no"]}
    assert (flag["defaultVariant"], flag["variants"]) == ("yes", {"yes": True, "no": False})
    assert flag["metadata"]["team"] == "payments"
    assert all(isinstance(value, str | int | float | bool) for value in flag["metadata"].values())
    assert (document["flags"]["other"], document["metadata"]) == (OTHER, {"x": 1})


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        pytest.param(_boolean(state="DISABLED"), "is not ENABLED", id="disabled"),
        pytest.param(_boolean(variants={"a": "x"}), "not a boolean flag", id="not boolean"),
        pytest.param(_boolean(defaultVariant="maybe"), "names a variant", id="a variant that it has not"),
        pytest.param(_boolean(targeting={"fractional": [["yes", 10], ["no", 90]]}), "targeting other than", id="by share"),
        pytest.param(_boolean(targeting={"if": [_in("email", ["a"]), "no"]}), "targeting other than", id="not by tenants"),
        pytest.param(_boolean(targeting={"if": [_in("tenant_id", "tenant-abc"), "no"]}), "targeting other than", id="in a text"),
        pytest.param(_boolean(targeting={"if": [{"$ref": "isPilot"}, "yes", "no"]}), "targeting other than", id="evaluator"),
        pytest.param(_boolean(targeting={"if": [True, "yes", "no"]}), "targeting other than", id="no condition"),
        pytest.param(
            _boolean(targeting={"if": [_in("tenant_id", ["a"]), "no", {"if": [_in("tenant_id", ["b"]), "no"]}]}),
            "names a variant",
            id="a rule within a rule",
        ),
        pytest.param(
            _boolean(targeting={"if": [_in("tenant_id", ["a"]), "no", _in("tenant_id", ["a", "b"]), "yes"]}),
            "targeting other than",
            id="a tenant twice",
        ),
        pytest.param(
            _boolean(targeting={"if": [_in("tenant_id", ["a"]), None]}), "names a variant", id="a branch without variant"
        ),
        pytest.param(
            _boolean(targeting={"if": [{"in": [{"var": ["tenant_id", "a"]}, ["a"]]}, "no"]}),
            "targeting other than",
            id="a tenant where none is given",
        ),
        pytest.param(_boolean(metadata="payments"), "metadata that are no mapping", id="metadata as a text"),
    ],
)
def test_a_flag_whose_answers_the_guard_can_not_tell_is_refused_and_left(tmp_path, flag, says):
    store = flagd_store(tmp_path, _file(flag))
    for use in (
        lambda: store.get(BALANCE, EVERYWHERE),
        lambda: compare_and_set(store, FlagState(BALANCE, EVERYWHERE, None), False, "x", "x"),
    ):
        with pytest.raises(LedgerInvariantError, match=says):
            use()
    assert (tmp_path / "flags.json").read_text() == _file(flag)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"flags": []}', '{"flags": {"a": 1, "a": 2}}'],
    ids=["no JSON", "no mapping", "flags as a list", "a key twice"],
)
def test_a_file_of_another_form_is_refused(tmp_path, text):
    with pytest.raises(LedgerInvariantError):
        flagd_store(tmp_path, text).scopes(SIGNATURE)


IS_A = {"==": [{"var": "tenant_id"}, "tenant-a"]}
OFF_FOR_A = [
    pytest.param({"if": [_in("tenant_id", ["tenant-a"]), "no"]}, id="in a list"),
    pytest.param({"if": [{"in": [{"var": ["tenant_id"]}, ["tenant-a"]]}, "no"]}, id="the variable as a list"),
    pytest.param({"if": [_in("tenant_id", ["tenant-a"]), "no", "yes"]}, id="if and else"),
    pytest.param({"if": [IS_A, "no", "yes"]}, id="equals"),
    pytest.param({"if": [{"===": ["tenant-a", {"var": ["tenant_id"]}]}, "no", None]}, id="equals, turned round, no else"),
]


def _answer(text: str, tenant: str) -> bool:
    """What flagd answers, told by a reader of its own: the first condition that holds, else the else branch, else the default."""
    flag = json.loads(text)["flags"][BALANCE]
    rule = list(flag.get("targeting", {}).get("if", []))
    name = None
    while len(rule) > 1 and name is None:
        ((word, sides),) = rule[0].items()
        values = [tenant if isinstance(side, dict) else side for side in sides]
        holds = values[0] in values[1] if word == "in" else values[0] == values[1]
        name, rule = (rule[1] if holds else None), rule[2:]
    name = name if name is not None else (rule[0] if rule else None)
    return flag["variants"][name if name is not None else flag["defaultVariant"]]


@pytest.mark.parametrize("targeting", OFF_FOR_A)
def test_a_rule_by_tenants_is_read_in_every_form_of_flagds_own(tmp_path, targeting):
    store = flagd_store(tmp_path, _file(_boolean(targeting=targeting)))
    assert {state.tenant_id: state.is_enabled for state in store.scopes(BALANCE)} == {EVERYWHERE: True, "tenant-a": False}
    assert [store.effective(BALANCE, tenant) for tenant in ("tenant-a", "tenant-b")] == [False, True]


@pytest.mark.parametrize("scope", [EVERYWHERE, "tenant-a", "tenant-b"])
@pytest.mark.parametrize("targeting", OFF_FOR_A)
def test_a_write_over_a_rule_changes_its_scope_and_no_other_answer(tmp_path, targeting, scope):
    path = tmp_path / "flags.json"
    store = flagd_store(tmp_path, _file(_boolean(targeting=targeting)))
    before = {tenant: _answer(path.read_text(), tenant) for tenant in ("tenant-a", "tenant-b", "tenant-c")}
    compare_and_set(store, store.get(BALANCE, scope), not before.get(scope, True), "payments-lead", "because")
    wanted = {**before, scope: not before.get(scope, True)}
    if scope == EVERYWHERE:
        wanted = {"tenant-a": False, "tenant-b": False, "tenant-c": False}
    assert {tenant: _answer(path.read_text(), tenant) for tenant in before} == {tenant: wanted[tenant] for tenant in before}
    assert [store.effective(BALANCE, tenant) for tenant in before] == [wanted[tenant] for tenant in before]


def test_the_else_branch_comes_before_the_default_variant(tmp_path):
    store = flagd_store(tmp_path, _file(_boolean(targeting={"if": [IS_A, "yes", "no"]})))
    assert store.get(BALANCE, EVERYWHERE).is_enabled is False
    compare_and_set(store, store.get(BALANCE, EVERYWHERE), True, "x", "x")
    assert _answer((tmp_path / "flags.json").read_text(), "tenant-b") is True


def test_a_variant_of_the_files_own_is_kept_where_its_value_is_not_changed(tmp_path):
    variants = {"on": True, "off": False, "pilot": True}
    flag = _boolean(variants=variants, defaultVariant="pilot", targeting={"if": [IS_A, "pilot", "off"]})
    store = flagd_store(tmp_path, _file(flag))
    compare_and_set(store, store.get(BALANCE, "tenant-b"), True, "x", "x")
    flag = json.loads((tmp_path / "flags.json").read_text())["flags"][BALANCE]
    assert flag["defaultVariant"] == "pilot"
    assert flag["targeting"] == {"if": [_in("tenant_id", ["tenant-b"]), "on", _in("tenant_id", ["tenant-a"]), "pilot", "off"]}


@pytest.mark.parametrize(
    "flag",
    [
        pytest.param(_boolean(defaultVariant=None), id="null"),
        pytest.param({key: value for key, value in _boolean().items() if key != "defaultVariant"}, id="absent"),
    ],
)
def test_a_flag_without_a_default_variant_is_not_known_to_be_off(tmp_path, flag):
    store = flagd_store(tmp_path, _file(flag))
    found = store.get(BALANCE, EVERYWHERE)
    assert (found.is_enabled, store.effective(BALANCE, "tenant-a"), store.scopes(BALANCE)) == (None, None, [])
    assert "no default variant" in found.described()
    compare_and_set(store, store.get(BALANCE, "tenant-a"), False, "x", "x")
    assert (store.effective(BALANCE, "tenant-a"), store.effective(BALANCE, "tenant-b")) == (False, None)
    compare_and_set(store, found, False, "x", "x")
    assert store.effective(BALANCE, "tenant-b") is False


def test_metadata_that_are_null_are_as_good_as_none(tmp_path):
    store = flagd_store(tmp_path, _file(_boolean(metadata=None)))
    assert store.get(BALANCE, EVERYWHERE).is_enabled is True
    compare_and_set(store, store.get(BALANCE, EVERYWHERE), False, "x", "pilot ends")
    assert store.get(BALANCE, EVERYWHERE).change_reason == "pilot ends"


MINIFIED = (
    '{"flags":{"n":{"state":"ENABLED","variants":{"a":1.10,"b":1E3,"c":100000000000000000000001},"defaultVariant":"a"},'
    '"ledger_enforce_balance":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on",'
    '"metadata":{"version":1.10,"note":"\\u00fc"}}},"metadata":{"n":1.0}}'
)
SPREAD = """{
\t"$evaluators": {"limit": 1.50},
\t"flags": {
\t\t"ledger_enforce_balance": {
\t\t\t"variants": {"on": true, "off": false}, "state": "ENABLED",
\t\t\t"defaultVariant" : "on"
\t\t},
\t\t"n": {"state": "ENABLED", "variants": {"a": 1E3}, "defaultVariant": "a"}
\t}
}
"""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param(
            MINIFIED,
            [MINIFIED.split('"on",', maxsplit=1)[0], '"metadata":{"version":1.10,"note":"\\u00fc"', MINIFIED[-20:]],
            id="one line",
        ),
        pytest.param(
            SPREAD, [SPREAD.split('"on"\n', maxsplit=1)[0], SPREAD.split("\t\t},")[1]], id="indented by tabs, blanks anywhere"
        ),
        pytest.param(
            "\ufeff" + SPREAD.replace("\n", "\r\n"), ["\ufeff{\r\n", '"a": 1E3}'], id="byte order mark, ends of Windows"
        ),
    ],
)
def test_what_is_not_the_guards_is_kept_byte_for_byte(tmp_path, text, kept):
    path = tmp_path / "flags.json"
    store = flagd_store(tmp_path, None)
    path.write_bytes(text.encode())
    compare_and_set(store, store.get(BALANCE, EVERYWHERE), False, "x", "x")
    written = path.read_bytes().decode()
    assert [part for part in kept if part not in written] == []
    assert json.loads(written.removeprefix("\ufeff"))["flags"][BALANCE]["defaultVariant"] == "off"
    compare_and_set(store, store.get(BALANCE, "tenant-a"), True, "x", "x")
    assert [part for part in kept if part not in path.read_bytes().decode()] == []
    assert (store.effective(BALANCE, "tenant-a"), store.effective(BALANCE, "tenant-b")) == (True, False)


@pytest.mark.parametrize(
    "text", ['{"flags":{}}', '{\n  "flags": {}\n}', '{\n    "flags": {\n        "n": {"state": "DISABLED"}\n    }\n}\n']
)
def test_a_flag_that_the_file_does_not_name_is_added_beside_the_others(tmp_path, text):
    store = flagd_store(tmp_path, text)
    compare_and_set(store, store.get(BALANCE, EVERYWHERE), True, "x", "x")
    document = json.loads((tmp_path / "flags.json").read_text())
    assert document["flags"][BALANCE]["defaultVariant"] == "on"
    assert {key: flag for key, flag in document["flags"].items() if key != BALANCE} == json.loads(text)["flags"]
