"""`backtest --compare`: where two policies part on the same readings."""

import itertools
import json
from datetime import timedelta

import pytest
from tests.entrypoints.cli.backtest_files import START, ReadableEngine, drawn

from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.loader import policy_path
from ledger_guard.use_cases.backtest.comparison import differences
from ledger_guard.use_cases.backtest.incidents import Incident


@pytest.fixture
def compared(judge, monkeypatch):
    """Readings judged by A, and by B that calls a third of failures severe and takes no notice of less."""

    def call(*options, other=(0.25, 0.25), **tenants):
        engines = iter([ReadableEngine(), ReadableEngine(*other)])
        monkeypatch.setattr("ledger_guard.entrypoints.cli.backtest.make_engine", lambda *_, **__: next(engines))
        code, err, rows = judge(drawn(**tenants), "--compare", str(policy_path(None)), *options)
        assert code == 0
        return (json.loads(judge.out) if "--json" in options else err), rows

    return call


def test_policies_that_agree_differ_in_nothing(compared):
    found, _ = compared("--json", a="..SS..", b="......")
    assert found["differences"] == []
    assert found["compared"]["incidents"] == found["incidents"]


def test_the_verdicts_written_are_those_of_the_first_policy(compared):
    _, rows = compared(a=".m.")
    assert [row["severity"] for row in rows] == ["none", "mild", "none"]


def test_another_severity_is_reported(compared):
    found, _ = compared("--json", a="..mm..")
    (difference,) = found["differences"]
    assert difference["kinds"] == ["severity"]
    assert (difference["tenant_id"], difference["scope"]) == ("a", "isolated")
    assert difference["a"] == {
        "severity": "mild",
        "start": "2026-03-02T00:10:00Z",
        "end": "2026-03-02T00:20:00Z",
        "incidents": 1,
    }
    assert difference["b"]["severity"] == "severe"
    assert (found["woken"], found["compared"]["woken"]) == (0, 1)


def test_an_incident_that_only_one_policy_sees_is_reported(compared):
    found, _ = compared("--json", other=(0.5, 0.5), a="..mm" + "." * 9 + "SS")
    assert [(each["kinds"], each["b"]) for each in found["differences"]] == [(["only_a"], None)]
    found, _ = compared("--json", other=(0.5, 0.05), a="." * 3)
    assert [(each["kinds"], each["a"]) for each in found["differences"]] == [(["only_b"], None)]


def test_a_later_begin_is_reported_in_windows(compared):
    found, _ = compared("--json", other=(0.5, 0.5), a=".mmmSS.")
    assert [(each["kinds"], each["b_later_windows"]) for each in found["differences"]] == [(["start"], 3)]


def test_an_earlier_begin_is_reported_in_windows(compared):
    found, _ = compared("--json", other=(0.5, 0.05), a="..S")
    assert [(each["kinds"], each["b_later_windows"]) for each in found["differences"]] == [(["start"], -2)]


def test_several_incidents_that_one_overlaps_are_taken_together(compared):
    found, _ = compared("--json", other=(0.5, 0.5), a="S" + "m" * 7 + "S" + "m" * 7 + "S")
    assert found["differences"] == []
    assert found["incidents"]["isolated"]["severe"] == 1
    assert found["compared"]["incidents"]["isolated"]["severe"] == 3


def test_incidents_taken_together_are_as_severe_as_the_gravest(compared):
    found, _ = compared("--json", other=(0.5, 0.05), a="m" + "." * 7 + "S")
    assert found["incidents"]["isolated"] == {"severe": 1, "mild": 1}
    assert found["compared"]["incidents"]["isolated"] == {"severe": 1, "mild": 0}
    assert found["differences"] == []


def test_incidents_that_only_touch_are_not_the_same():
    at = [START + number * timedelta(minutes=5) for number in range(3)]
    a, b = (Incident("t", Severity.MILD, start, end) for start, end in itertools.pairwise(at))
    found = differences([a], [b], timedelta(minutes=5))
    assert [difference.kinds for difference in found] == [("only_a",), ("only_b",)]


def test_a_widespread_incident_is_compared_as_the_platforms(compared):
    found, _ = compared("--json", a=".m.", b=".m.", c=".m.", d="...")
    (difference,) = found["differences"]
    assert (difference["tenant_id"], difference["scope"], difference["kinds"]) == (None, "widespread", ["severity"])


def test_people_read_both_sides_and_the_differences(compared):
    err, _ = compared(a="..mm..", b="S.....")
    assert f"  {'':<34}{'A':>14}{'B':>14}\n" in err
    assert f"  {'times someone is woken':<34}{1:>14}{2:>14}\n" in err
    assert "incidents that differ: 1 (0 only A, 0 only B, 1 other severity, 0 earlier or later)\n" in err
    told = "a: A mild until 2026-03-02T00:20:00Z; B severe until 2026-03-02T00:20:00Z"
    assert f"  2026-03-02T00:10:00Z  {told}\n" in err


def test_a_long_list_of_differences_is_cut_for_people_and_whole_in_json(compared):
    tenant = ("m" + "." * 7) * 25
    err, _ = compared(a=tenant)
    assert err.count("A mild") == 20
    assert "and 5 more: see --json\n" in err
    found, _ = compared("--json", a=tenant)
    assert len(found["differences"]) == 25


def test_an_unknown_second_policy_is_reported_before_anything_is_judged(judge, tmp_path):
    code, err, _ = judge(drawn(a="..."), "--compare", "no/such/policy.yaml")
    assert code == 2
    assert "file not found" in err
    assert not (tmp_path / "verdicts.csv").exists()
