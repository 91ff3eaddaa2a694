"""`python -m ledger_guard backtest`: a file of readings in, a file of verdicts out."""

import csv
import gzip
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from ledger_guard.cli import main
from ledger_guard.domain.windows import iso

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
HEADER = "window_start,tenant_id,events,exposure"


def recorded(
    windows: int, *, minutes: int = 5, rise_from: int | None = None, missing: dict[int, set[str]] | None = None
) -> list[str]:
    """Readings of three tenants; `big` rises tenfold from a window on, and some rows are missing."""
    rng = np.random.default_rng(11)
    lines = [HEADER]
    for number in range(windows):
        for tenant, size in (("big", 900), ("middle", 200), ("tiny", 2)):
            exposure = int(rng.poisson(size))
            rate = 0.2 if tenant == "big" and rise_from is not None and number >= rise_from else 0.02
            events = int(rng.binomial(exposure, rate))
            if tenant not in (missing or {}).get(number, set()):
                lines.append(f"{iso(START + number * timedelta(minutes=minutes))},{tenant},{events},{exposure}")
    return lines


@pytest.fixture
def judge(tmp_path, capsys):
    def call(lines, *options, trigger="T1", name="readings.csv", output="verdicts.csv"):
        source = tmp_path / name
        if isinstance(lines, bytes):
            source.write_bytes(lines)
        elif name.endswith(".gz"):
            source.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
        else:
            source.write_text("\n".join([*lines, ""]))
        target = tmp_path / output
        code = main(["backtest", "--trigger", trigger, "--input", str(source), "--output", str(target), *options])
        said = capsys.readouterr()
        assert said.out == ""
        if not target.exists():
            return code, said.err, []
        text = gzip.decompress(target.read_bytes()).decode() if output.endswith(".gz") else target.read_text()
        return code, said.err, list(csv.DictReader(text.splitlines()))

    return call


def severities(rows, tenant) -> list[str]:
    return [row["severity"] for row in rows if row["tenant_id"] == tenant]


def test_every_window_and_tenant_gets_a_verdict_with_its_reason(judge):
    code, err, rows = judge(recorded(100, rise_from=95))
    assert code == 0
    assert list(rows[0]) == ["window_start", "tenant_id", "severity", "scope", "reason"]
    assert len(rows) == 300
    assert severities(rows, "big")[80:95] == ["none"] * 15
    assert severities(rows, "big")[95:] == ["severe"] * 5
    assert set(severities(rows, "tiny")) == {"insufficient"}
    assert all(row["reason"] for row in rows)
    assert err.startswith("T1: 100 windows of 5 minutes, 3 tenants; ")
    assert err.count("\n") == 1


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


FIRST = "2026-03-02T00:00:00Z,a,1,10"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(
            [HEADER, "2026-03-02T00:05:00Z,a,1,10", FIRST], "line 3: window_start 2026-03-02T00:00:00Z comes after", id="unsorted"
        ),
        pytest.param([HEADER, FIRST, FIRST], "line 3: repeats tenant a", id="duplicate"),
        pytest.param(
            [HEADER, FIRST, "2026-03-02T00:00:00+00:00,a,1,10"], "line 3: repeats tenant a", id="duplicate, written otherwise"
        ),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,a,-1,10"], "line 2: events '-1' is no count", id="negative events"),
        pytest.param(
            [HEADER, "2026-03-02T00:00:00Z,a,many,10"], "line 2: events 'many' is no count", id="events that are no number"
        ),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,a,1.5,10"], "line 2: events '1.5' is no count", id="events in parts"),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,a,,10"], "line 2: events '' is no count", id="no events"),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,a,9999999999999999999999,10"], "line 2: events '999", id="too many events"),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,a,1,-10"], "line 2: exposure '-10' is no count", id="negative exposure"),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,a,1,nan"], "line 2: exposure 'nan' is no count", id="exposure nan"),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,a,1,inf"], "line 2: exposure 'inf' is no count", id="exposure without end"),
        pytest.param(
            ["window_start,tenant_id,events", "2026-03-02T00:00:00Z,a,1"], "column exposure is missing", id="missing column"
        ),
        pytest.param([HEADER + ",extra", FIRST + ",1"], "column 'extra' is unknown", id="unknown column"),
        pytest.param([HEADER + ",events", FIRST + ",1"], "column events stands there more than once", id="column twice"),
        pytest.param([FIRST], "line 1: column window_start is missing", id="no header"),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,a,1"], "line 2: has 3 fields", id="short row"),
        pytest.param([HEADER, "2026-03-02T00:00:00,a,1,10"], "has no time zone", id="no zone"),
        pytest.param(
            [HEADER, FIRST, "2026-03-02T03:05:00+03:00,a,1,10"],
            "line 3: window_start '2026-03-02T03:05:00+03:00' is not in UTC",
            id="mixed zones",
        ),
        pytest.param([HEADER, "yesterday,a,1,10"], "window_start 'yesterday' is no moment", id="no moment"),
        pytest.param(
            [HEADER, "2026-03-02T00:03:00Z,a,1,10"],
            "line 2: window_start 2026-03-02T00:03:00+00:00 is off the grid",
            id="off the grid",
        ),
        pytest.param([HEADER, FIRST, "2027-03-02T00:00:00Z,a,1,10"], "line 3: nothing between", id="a year without rows"),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,,1,10"], "line 2: tenant id: is empty", id="empty tenant"),
        pytest.param([HEADER, "2026-03-02T00:00:00Z,a%,1,10"], "line 2: tenant id: 'a%'", id="tenant pattern"),
        pytest.param([HEADER], "has no readings", id="header alone"),
        pytest.param(b"", "is empty", id="empty file"),
        pytest.param(b"\x1f\x8b\x08broken", "can't be read", id="broken gzip"),
        pytest.param(HEADER.encode() + b"\n2026-03-02T00:00:00Z,\xff,1,10\n", "can't be read", id="not UTF-8"),
    ],
)
def test_bad_input_is_one_line_exit_2_and_leaves_no_file(judge, tmp_path, lines, said):
    code, err, _ = judge(lines)
    assert code == 2
    assert said in err
    assert "allowed:" in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["readings.csv"]


def test_bad_input_keeps_an_earlier_result(judge):
    judge(recorded(10))
    code, _, rows = judge([HEADER, FIRST, FIRST])
    assert (code, len(rows)) == (2, 30)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param({"trigger": "T9"}, "trigger: 'T9' is unknown; allowed: T1, T2, T3", id="unknown trigger"),
        pytest.param({"output": "missing/verdicts.csv"}, "can't be written", id="no such folder"),
        pytest.param({"output": "readings.csv"}, "is the input", id="onto the input"),
    ],
)
def test_what_was_typed_wrongly_is_told(judge, arguments, said):
    code, err, _ = judge(recorded(3), **arguments)
    assert code == 2
    assert said in err


def test_a_missing_input_is_told(tmp_path, capsys):
    code = main(["backtest", "--trigger", "T1", "--input", str(tmp_path / "none.csv"), "--output", str(tmp_path / "out.csv")])
    assert code == 2
    assert "can't be read (No such file or directory)" in capsys.readouterr().err


def test_an_unknown_policy_file_is_told(judge):
    code, err, _ = judge(recorded(3), "--policy", "no/such/policy.yaml")
    assert code == 2
    assert "there is no such file" in err
