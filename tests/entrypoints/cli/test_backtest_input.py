"""What `backtest` reads: unusual files that are in order, and the line and words for those that are not."""

import gzip

import numpy as np
import pytest
from tests.entrypoints.cli.backtest_files import HEADER, drawn, recorded

from ledger_guard.adapters.backtest_files import csv_columns

FIRST = "2026-03-02T00:00:00Z,a,1,10"
SECOND = "2026-03-02T00:05:00Z,a,1,10"
BOM = b"\xef\xbb\xbf"


_VERDICTS: dict[tuple[str, ...], list[dict[str, str]]] = {}


def usual(judge, lines) -> list[dict[str, str]]:
    """The verdicts of plain readings, judged once however many tests compare with them."""
    known = tuple(lines)
    if known not in _VERDICTS:
        _VERDICTS[known] = judge(lines)[2]
    return _VERDICTS[known]


def as_text(lines) -> bytes:
    return "\n".join([*lines, ""]).encode()


def quoted(lines) -> list[str]:
    return [",".join(f'"{field}"' for field in line.split(",")) for line in lines]


@pytest.mark.parametrize(
    ("rewrite"),
    [
        pytest.param(lambda lines: as_text(lines).replace(b"\n", b"\r\n"), id="lines end in CRLF"),
        pytest.param(lambda lines: as_text(lines).replace(b"\n", b"\r"), id="lines end in CR"),
        pytest.param(lambda lines: BOM + as_text(lines), id="byte order mark"),
        pytest.param(lambda lines: as_text(lines).rstrip(b"\n"), id="no line end at the end"),
        pytest.param(lambda lines: as_text(lines) + b"\n\n", id="blank lines at the end"),
        pytest.param(lambda lines: b"\n\r\n" + as_text(lines), id="blank lines before the header"),
        pytest.param(lambda lines: as_text([*lines[:9], "", *lines[9:]]), id="blank line between"),
        pytest.param(lambda lines: as_text(quoted(lines)), id="everything quoted"),
        pytest.param(lambda lines: as_text([*lines[:40], *quoted(lines[40:])]), id="quoted from somewhere on"),
        pytest.param(lambda lines: as_text(lines).replace(b"Z,", b"+00:00,"), id="zone written as an offset"),
        pytest.param(lambda lines: as_text(lines).replace(b"Z,m", b"+00:00,m"), id="zone written in two ways within a window"),
        pytest.param(lambda lines: as_text(lines).replace(b"Z,", b".000Z,"), id="milliseconds"),
        pytest.param(lambda lines: as_text([line.replace("_start,", "_start , ") for line in lines]), id="spaces in the header"),
        pytest.param(lambda lines: as_text(line + ".0" * (line != HEADER) for line in lines), id="exposure with a decimal point"),
        pytest.param(lambda lines: as_text(line + "e0" * (line != HEADER) for line in lines), id="exposure with an exponent"),
        pytest.param(lambda lines: gzip.compress(as_text(lines[:50])) + gzip.compress(as_text(lines[50:])), id="gzip in parts"),
    ],
)
def test_the_same_readings_written_otherwise_get_the_same_verdicts(judge, rewrite):
    lines = recorded(60, rise_from=50)
    assert judge(rewrite(lines))[::2] == (0, usual(judge, lines))


@pytest.mark.parametrize("block_bytes", [7, 64, 1000])
@pytest.mark.parametrize("rewrite", [lambda lines: lines, quoted], ids=["plain", "quoted"])
def test_where_a_block_ends_changes_nothing(judge, monkeypatch, block_bytes, rewrite):
    lines = recorded(60, rise_from=50, missing={3: {"big"}, 8: {"tiny"}})
    expected = usual(judge, lines)
    monkeypatch.setattr(csv_columns, "BLOCK_BYTES", block_bytes)
    assert judge(rewrite(lines))[::2] == (0, expected)


def test_rows_of_a_window_may_come_in_any_order(judge, readable_engine):
    judge([HEADER, "2026-03-02T00:00:00Z,b,2,20", "2026-03-02T00:00:00Z,c,3,30", FIRST])
    (batch,) = readable_engine.batches
    assert batch.tenant_ids == ("a", "b", "c")
    assert (batch.events.tolist(), batch.exposure.tolist()) == ([1, 2, 3], [10, 20, 30])


def test_subjects_are_read_where_the_file_has_them(judge, readable_engine):
    code, _, _ = judge(["subjects," + HEADER, "4," + FIRST, ",2026-03-02T00:00:00Z,b,2,20", "0," + SECOND])
    assert code == 0
    assert np.array_equal(readable_engine.batches[0].subjects, [4, np.nan], equal_nan=True)
    assert readable_engine.batches[1].subjects.tolist() == [0]


def test_without_a_column_of_subjects_they_are_not_known(judge, readable_engine):
    judge([HEADER, FIRST])
    assert np.isnan(readable_engine.batches[0].subjects).all()


def test_cents_are_read_where_the_file_has_them_beside_subjects_or_alone(judge, readable_engine):
    rows = ("1240000," + FIRST + ",3", ",2026-03-02T00:00:00Z,b,2,20,1", "0," + SECOND + ",")
    code, _, _ = judge(["cents," + HEADER + ",subjects", *rows])
    assert code == 0
    assert np.array_equal(readable_engine.batches[0].cents, [1_240_000, np.nan], equal_nan=True)
    assert readable_engine.batches[0].subjects.tolist() == [3, 1]
    assert readable_engine.batches[1].cents.tolist() == [0]
    judge([HEADER + ",cents", FIRST + ",1000000000000000"])
    assert readable_engine.batches[2].cents.tolist() == [10**15]


def test_without_a_column_of_cents_nothing_is_said_of_money(judge, readable_engine):
    judge([HEADER, FIRST])
    assert readable_engine.batches[0].cents is None


def test_empty_and_given_exposures_may_stand_side_by_side(judge, readable_engine):
    judge([HEADER, FIRST, "2026-03-02T00:00:00Z,b,2,", "2026-03-02T00:00:00Z,c,2,1e3"])
    assert np.array_equal(readable_engine.batches[0].exposure, [10, np.nan, 1000], equal_nan=True)


def test_one_tenant_in_one_window_gets_its_verdict(judge, readable_engine):
    assert judge(drawn(a="S"))[2] == [
        {
            "window_start": "2026-03-02T00:00:00Z",
            "tenant_id": "a",
            "severity": "severe",
            "scope": "isolated",
            "reason": 'said "severe", at 00:00',
        }
    ]


def at_zero(fields: str) -> list[str]:
    return [HEADER, f"2026-03-02T00:00:00Z,{fields}"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param([HEADER, SECOND, FIRST], "line 3: window_start 2026-03-02T00:00:00Z comes after", id="unsorted"),
        pytest.param([HEADER, FIRST, SECOND, FIRST], "line 4: window_start 2026-03-02T00:00:00Z comes after", id="back again"),
        pytest.param([HEADER, FIRST, FIRST], "line 3: repeats tenant a", id="duplicate"),
        pytest.param(
            [HEADER, FIRST, "2026-03-02T00:00:00+00:00,a,1,10"], "line 3: repeats tenant a", id="duplicate, written otherwise"
        ),
        pytest.param(at_zero("a,-1,10"), "line 2: events '-1' is not a count", id="negative events"),
        pytest.param(at_zero("a,+1,10"), "line 2: events '+1' is not a count", id="events with a sign"),
        pytest.param(at_zero("a,many,10"), "line 2: events 'many' is not a count", id="events that are no number"),
        pytest.param(at_zero("a,1.5,10"), "line 2: events '1.5' is not a count", id="events in parts"),
        pytest.param(at_zero("a,1e3,10"), "line 2: events '1e3' is not a count", id="events with an exponent"),
        pytest.param(at_zero("a, 1,10"), "line 2: events ' 1' is not a count", id="events with a space"),
        pytest.param(at_zero("a,1_0,10"), "line 2: events '1_0' is not a count", id="events as Python writes them"),
        pytest.param(at_zero("a,\u0663,10"), "line 2: events '\u0663' is not a count", id="events in other digits"),
        pytest.param(at_zero("a,,10"), "line 2: events '' is not a count", id="no events"),
        pytest.param(at_zero("a,9999999999999999999999,10"), "line 2: events '999", id="too many events"),
        pytest.param(at_zero("a,1000000000001,10"), "line 2: events '1000000000001'", id="just too many events"),
        pytest.param(at_zero("a,1,-10"), "line 2: exposure '-10' is not a count", id="negative exposure"),
        pytest.param(at_zero("a,1,nan"), "line 2: exposure 'nan' is not a count", id="exposure nan"),
        pytest.param(at_zero("a,1,inf"), "line 2: exposure 'inf' is not a count", id="exposure without end"),
        pytest.param(at_zero("a,1,1e999"), "line 2: exposure '1e999' is not a count", id="exposure beyond all numbers"),
        pytest.param(at_zero("a,1,1-1"), "line 2: exposure '1-1' is not a count", id="exposure that is no number"),
        pytest.param(at_zero("a,1, 10"), "line 2: exposure ' 10' is not a count", id="exposure with a space"),
        pytest.param([HEADER + ",subjects", FIRST + ",1.5"], "line 2: subjects '1.5' is not a count", id="subjects in parts"),
        pytest.param(
            ["window_start,tenant_id,events", "2026-03-02T00:00:00Z,a,1"], "column exposure is missing", id="missing column"
        ),
        pytest.param([HEADER + ",extra", FIRST + ",1"], "column 'extra' is unknown", id="unknown column"),
        pytest.param([HEADER + ",events", FIRST + ",1"], "column events is there more than once", id="column twice"),
        pytest.param([HEADER + ",cents", FIRST + ",1.5"], "line 2: cents '1.5' is not an amount in cents", id="parts of a cent"),
        pytest.param([HEADER + ",cents", FIRST + ",-1"], "line 2: cents '-1' is not an amount in cents", id="negative cents"),
        pytest.param(
            [HEADER + ",cents", FIRST + ",5", SECOND + ",1000000000000001"],
            "line 3: cents '1000000000000001' is not an amount in cents; allowed: whole numbers from 0 to 1000000000000000",
            id="too many cents",
        ),
        pytest.param([HEADER + ",cents", FIRST + ",NaN"], "line 2: cents 'NaN' is not an amount in cents", id="cents NaN"),
        pytest.param([HEADER + ",subjects,subjects", FIRST + ",1,1"], "column subjects is there more", id="subjects twice"),
        pytest.param([FIRST], "line 1: column window_start is missing", id="no header"),
        pytest.param([HEADER, FIRST, "2026-03-02T00:00:00Z,b,1"], "line 3: has 3 fields", id="short row"),
        pytest.param([HEADER, FIRST + ",7"], "line 2: has 5 fields", id="long row"),
        pytest.param(
            [HEADER, "2026-03-02T00:00:00Z,a,1", "1,2026-03-02T00:00:00Z,b,1,10"], "line 2: has 3", id="short, then long"
        ),
        pytest.param([HEADER, FIRST, "   "], "line 3: has 1 fields", id="a line of spaces"),
        pytest.param([HEADER, "2026-03-02T00:00:00,a,1,10"], "has no time zone", id="no zone"),
        pytest.param(
            [HEADER, FIRST, "2026-03-02T03:05:00+03:00,a,1,10"],
            "line 3: window_start '2026-03-02T03:05:00+03:00' is not in UTC",
            id="mixed zones",
        ),
        pytest.param([HEADER, "yesterday,a,1,10"], "window_start 'yesterday' is not a valid time", id="no moment"),
        pytest.param([HEADER, "2026-W10-1T00:00:00Z,a,1,10"], "is not a valid time", id="what only newer Pythons read"),
        pytest.param([HEADER, "2026-02-30T00:00:00Z,a,1,10"], "is not a valid time", id="no such day"),
        pytest.param([HEADER, "9999-12-31T23:55:00Z,a,1,10"], "is not a valid time", id="the end of time"),
        pytest.param(
            [HEADER, "2026-03-02T00:03:00Z,a,1,10"],
            "line 2: window_start 2026-03-02T00:03:00+00:00 is off the grid",
            id="off the grid",
        ),
        pytest.param([HEADER, FIRST, "2027-03-02T00:00:00Z,a,1,10"], "line 3: nothing between", id="a year without rows"),
        pytest.param(at_zero(",1,10"), "line 2: tenant id: is empty", id="empty tenant"),
        pytest.param(at_zero("a%,1,10"), "line 2: tenant id: 'a%'", id="tenant pattern"),
        pytest.param(at_zero('"a,b",1,10'), "line 2: tenant id: 'a,b'", id="tenant with a comma"),
        pytest.param(at_zero('"a\nb",1,10'), "line 3: tenant id: 'a\\nb'", id="tenant across lines"),
        pytest.param([HEADER, FIRST, '"2026', SECOND], "can't be read (unexpected end of data)", id="a quote without end"),
        pytest.param([HEADER, FIRST, SECOND.replace("a", '"a"x')], "line 3: can't be read", id="text behind a quote"),
        pytest.param([HEADER], "has no readings", id="header alone"),
        pytest.param(b"", "is empty", id="empty file"),
        pytest.param(b"\n\n", "is empty", id="blank lines alone"),
        pytest.param(BOM, "is empty", id="byte order mark alone"),
        pytest.param(gzip.compress(b""), "is empty", id="empty gzip"),
        pytest.param(b"\x1f\x8b\x08broken", "can't be read", id="broken gzip"),
        pytest.param(gzip.compress(as_text(recorded(50)))[:-9], "can't be read (Compressed file ended", id="gzip cut short"),
        pytest.param(gzip.compress(as_text(recorded(50))) + b"more", "can't be read (Not a gzipped file", id="text behind gzip"),
        pytest.param(HEADER.encode() + b"\n2026-03-02T00:00:00Z,\xff,1,10\n", "line 2: can't be read", id="not UTF-8"),
        pytest.param(as_text([HEADER, FIRST]).decode().encode("utf-16"), "line 1: can't be read", id="UTF-16"),
        pytest.param(at_zero("a\0,1,10"), "line 2: ", id="NUL"),
        pytest.param(HEADER.encode() + b"\n" + b"x" * 3_000_000, "line 2: has more than", id="a line without end"),
    ],
)
def test_bad_input_is_one_line_exit_2_and_leaves_no_file(judge, tmp_path, lines, said):
    code, err, _ = judge(lines)
    assert code == 2
    assert said in err
    assert "allowed:" in err
    assert "readings.csv: " in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["readings.csv"]


def test_the_line_is_exact_deep_in_a_file(judge):
    """Rows are checked in bulk: the line has to be found again."""
    lines = recorded(3000)
    lines[7000] += "x"
    _, err, _ = judge(lines)
    assert "line 7001: exposure" in err


def test_rows_that_are_out_of_order_are_seen_wherever_a_block_ends(judge, monkeypatch):
    monkeypatch.setattr(csv_columns, "BLOCK_BYTES", 50)
    lines = recorded(20)
    _, err, _ = judge([*lines[:40], lines[5], *lines[40:]])
    assert "line 41: window_start 2026-03-02T00:05:00Z comes after 2026-03-02T01:00:00Z" in err


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param("2026-03-02T00:00:00Z,b,none,10", "short", id="a field before a short row"),
        pytest.param("2026-03-02T00:00:00Z,b,1,none", "2026-03-02T00:00:00Z,c,none,1", id="the last column before another"),
        pytest.param("2026-03-02T00:00:00Z,b,1,none", "yesterday,c,1,1", id="a number before a moment"),
        pytest.param("2026-03-02T00:00:00Z,a,1,1", '"', id="a duplicate before what can't be read"),
    ],
)
def test_of_several_problems_the_first_is_reported(judge, earlier, later):
    _, err, _ = judge([HEADER, FIRST, earlier, later])
    assert "line 3: " in err


def test_blank_lines_count_when_a_line_is_named(judge):
    _, err, _ = judge([HEADER, "", FIRST, "", "2026-03-02T00:00:00Z,b,none,1"])
    assert "line 5: events 'none'" in err


def test_bad_input_keeps_an_earlier_result(judge):
    judge(recorded(10))
    code, _, rows = judge([HEADER, FIRST, FIRST])
    assert (code, len(rows)) == (2, 30)
