"""flagd's file: what the guard did not write is kept or refused."""

from __future__ import annotations

import json

import pytest
from tests.flags.flag_stores import flagd_store
from tests.flags.rollout_world import BALANCE, SIGNATURE

from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.flags import EVERYWHERE, FlagState

OTHER = {
    "state": "ENABLED",
    "variants": {"a": 1, "b": 2},
    "defaultVariant": "a",
    "targeting": {"fractional": [["a", 50], ["b", 50]]},
}


def _file(flag: object) -> str:
    return json.dumps(
        {"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": {"other": OTHER, BALANCE: flag}, "metadata": {"x": 1}}
    )


def _boolean(**changes: object) -> dict:
    return {"state": "ENABLED", "variants": {"yes": True, "no": False}, "defaultVariant": "yes", **changes}


def test_values_stand_as_flagd_reads_them(tmp_path):
    store = flagd_store(tmp_path, _file(_boolean(metadata={"team": "payments"})))
    store.compare_and_set(FlagState(BALANCE, "tenant-a", None), False, "payments-lead", "pilot")
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
        pytest.param(
            _boolean(targeting={"fractional": [["yes", 10], ["no", 90]]}), "did not write", id="a rule of somebody else"
        ),
        pytest.param(
            _boolean(targeting={"if": [{"in": [{"var": "email"}, ["a"]]}, "no"]}),
            "did not write",
            id="by something else than tenants",
        ),
        pytest.param(
            _boolean(targeting={"if": [{"in": [{"var": "tenant_id"}, ["a"]]}, "no", "yes"]}), "did not write", id="an else branch"
        ),
        pytest.param(
            _boolean(targeting={"if": [{"in": [{"var": "tenant_id"}, "tenant-abc"]}, "no"]}), "did not write", id="within a text"
        ),
    ],
)
def test_a_flag_whose_answers_the_guard_can_not_tell_is_refused_and_left(tmp_path, flag, says):
    store = flagd_store(tmp_path, _file(flag))
    for use in (
        lambda: store.get(BALANCE, EVERYWHERE),
        lambda: store.compare_and_set(FlagState(BALANCE, EVERYWHERE, None), False, "x", "x"),
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


def test_a_number_that_would_be_rewritten_stops_the_write(tmp_path):
    text = '{"flags": {"other": {"state": "ENABLED", "variants": {"a": 1.10}, "defaultVariant": "a"}}}'
    store = flagd_store(tmp_path, text)
    with pytest.raises(LedgerInvariantError, match="number that can't be kept"):
        store.compare_and_set(FlagState(BALANCE, EVERYWHERE, None), True, "x", "x")
    assert (tmp_path / "flags.json").read_text() == text
