"""`python -m ledger_guard backtest`: a file of readings in, a file of verdicts out."""

import pytest
import yaml
from tests.entrypoints.cli.backtest_files import HEADER, recorded, severities

from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import policy_path


def test_every_window_and_tenant_gets_a_verdict_with_its_reason(judge):
    code, err, rows = judge(recorded(100, rise_from=95))
    assert code == 0
    assert list(rows[0]) == ["window_start", "tenant_id", "severity", "scope", "reason"]
    assert len(rows) == 300
    assert severities(rows, "big")[80:95] == ["none"] * 15
    # one window may be a freak; the second is not
    assert severities(rows, "big")[96:] == ["severe"] * 4
    assert set(severities(rows, "tiny")) == {"insufficient"}
    assert all(row["reason"] for row in rows)
    assert err.startswith("T1: 100 windows of 5 minutes, 3 tenants; ")
    assert "Traceback" not in err


def test_rows_and_windows_that_are_missing_read_as_no_data(judge):
    everybody = {"big", "middle", "tiny"}
    _, _, rows = judge(recorded(100, missing={60: {"middle"}, 70: everybody, 71: everybody}))
    assert len(rows) == 300
    assert [n for n, word in enumerate(severities(rows, "middle")) if word == "no_data"] == [60, 70, 71]
    assert [n for n, word in enumerate(severities(rows, "big")) if word == "no_data"] == [70, 71]


def test_a_tenant_is_reported_from_its_first_row_on(judge):
    _, _, rows = judge(recorded(50, missing={n: {"tiny"} for n in range(20)}))
    assert len(severities(rows, "tiny")) == 30


def test_gzipped_files_are_read_and_written(judge):
    _, _, plain = judge(recorded(60))
    code, _, packed = judge(recorded(60), name="readings.csv.gz", output="verdicts.csv.gz")
    assert (code, packed) == (0, plain)


def test_cutting_the_file_changes_no_earlier_verdict(judge):
    lines = recorded(120, rise_from=90)
    _, _, whole = judge(lines)
    _, _, cut = judge(lines[: 1 + 3 * 95])
    assert cut == whole[: 3 * 95]


def test_a_file_on_another_grid_is_judged_by_its_own_spacing(judge):
    _, err, rows = judge(recorded(60, minutes=15, missing={30: {"big", "middle", "tiny"}}), trigger="T3")
    assert "60 windows of 15 minutes" in err
    assert severities(rows, "big").count("no_data") == 1


def test_a_few_windows_far_apart_are_on_the_policys_grid(judge):
    code, err, rows = judge([HEADER, "2026-03-02T00:00:00Z,a,1,10", "2026-03-02T00:10:00Z,a,1,10"])
    assert (code, severities(rows, "a")) == (0, ["insufficient", "no_data", "insufficient"])
    assert "windows of 5 minutes" in err


def test_the_window_length_can_be_given(judge):
    code, _, rows = judge([HEADER, "2026-03-02T00:00:00Z,a,1,10", "2026-03-02T00:10:00Z,a,1,10"], "--window-minutes", "10")
    assert (code, severities(rows, "a")) == (0, ["insufficient"] * 2)


def test_an_empty_exposure_means_counts_only_and_other_columns_orders_are_fine(judge):
    code, _, rows = judge(["tenant_id,exposure,events,window_start", "a,,3,2026-03-02T00:00:00+00:00"])
    assert (code, severities(rows, "a")) == (0, ["insufficient"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param({"trigger": "T9"}, "trigger: 'T9' is unknown; allowed: T1, T2, T3", id="unknown trigger"),
        pytest.param({"output": "missing/verdicts.csv"}, "can't be written", id="no such folder"),
        pytest.param({"output": "readings.csv"}, "is the input", id="onto the input"),
    ],
)
def test_what_was_typed_wrongly_is_reported(judge, arguments, said):
    code, err, _ = judge(recorded(3), **arguments)
    assert code == 2
    assert said in err


def test_a_missing_input_is_reported(tmp_path, capsys):
    code = main(["backtest", "--trigger", "T1", "--input", str(tmp_path / "none.csv"), "--output", str(tmp_path / "out.csv")])
    assert code == 2
    assert "can't be read (No such file or directory)" in capsys.readouterr().err


def test_an_unknown_policy_file_is_reported(judge):
    code, err, _ = judge(recorded(3), "--policy", "no/such/policy.yaml")
    assert code == 2
    assert "file not found" in err


@pytest.fixture
def limits(tmp_path):
    """A policy file with these limits for T1."""

    def call(**limits):
        document = yaml.load(policy_path().read_text(encoding="utf-8"), yaml.CSafeLoader)
        document["triggers"]["T1"]["limits"] = limits
        file = tmp_path / "limits.yaml"
        file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper), encoding="utf-8")
        return ("--policy", str(file))

    return call


def test_limits_by_money_apply_to_a_file_with_cents_and_do_nothing_without(judge, limits):
    lines = recorded(100)
    cents = [f"{line},{'cents' if n == 0 else 1_000_000 if n == 200 else 999_999}" for n, line in enumerate(lines)]
    _, _, plain = judge(lines)
    assert judge(lines, *limits(severe_from_cents=1_000_000))[2] == plain
    _, _, found = judge(cents, *limits(severe_from_cents=1_000_000))
    [changed] = [(before, after) for before, after in zip(plain, found, strict=True) if before != after]
    assert (changed[0]["severity"], changed[1]["severity"], changed[1]["tenant_id"]) == ("none", "severe", "middle")
    assert changed[1]["reason"] == (
        f"Limit of the policy: refused withdrawals of 10,000.00 USD, severe from 10,000.00 USD. {changed[0]['reason']}"
    )


def test_cents_alone_change_no_verdict(judge):
    lines = recorded(100, rise_from=95)
    cents = [f"{line},{'cents' if n == 0 else 10**15}" for n, line in enumerate(lines)]
    assert judge(cents)[2] == judge(lines)[2]


def test_limits_by_events_and_always_severe_apply_to_every_file(judge, limits):
    lines = recorded(100)
    most = max(int(line.split(",")[2]) for line in lines[1:])
    _, _, found = judge(lines, *limits(severe_from_events=most))
    assert {row["tenant_id"] for row in found if row["severity"] == "severe"} == {"big"}
    assert "severe" not in {row["severity"] for row in judge(lines, *limits(severe_from_events=most + 1))[2]}
    slight = recorded(100, rise_from=95)
    mild = [n for n, row in enumerate(judge(slight)[2]) if row["severity"] == "mild"]
    always = judge(slight, *limits(always_severe=True))[2]
    assert "mild" not in {row["severity"] for row in always}
    assert {always[n]["severity"] for n in mild} <= {"severe"}
