"""Verdicts as CSV: built by hand for speed, and read back by the standard reader."""

import csv
import gzip
import io

import numpy as np
import pytest

from ledger_guard.adapters.backtest_files.verdicts_csv import VerdictsFile
from ledger_guard.adapters.files.whole_file import written_whole
from ledger_guard.detection.engine import SEVERITIES

NOBODY = np.zeros(0, np.int8)


def read_back(*windows) -> list[list[str]]:
    target = io.BytesIO()
    verdicts = VerdictsFile(target, SEVERITIES)
    for start, tenants, codes, widespread, reasons in windows:
        verdicts.write(start, tenants, np.array(codes, np.int8), np.array(widespread, bool), reasons)
    return list(csv.reader(io.StringIO(target.getvalue().decode(), newline=""), strict=True))


@pytest.mark.parametrize(
    "field",
    [
        pytest.param("plain", id="plain"),
        pytest.param("a, b", id="comma"),
        pytest.param('the "usual"', id="quotes"),
        pytest.param('"', id="a quote alone"),
        pytest.param("two\nlines", id="line feed"),
        pytest.param("two\r\nlines", id="CRLF"),
        pytest.param("İstanbul ≥ 2 %", id="beyond ASCII"),
        pytest.param("", id="empty"),
    ],
)
def test_any_text_is_read_back_as_it_was(field):
    rows = read_back(("T", ("a", field), [2, 4], [False, True], [field, "why"]))
    assert rows[1:] == [["T", "a", "none", "isolated", field], ["T", field, "severe", "widespread", "why"]]


def test_every_code_has_its_word():
    rows = read_back(("T", tuple("abcde"), range(5), [False] * 5, [""] * 5))
    assert [row[2] for row in rows[1:]] == ["no_data", "insufficient", "none", "mild", "severe"]


def test_tenants_may_change_from_window_to_window():
    rows = read_back(
        ("T1", ("b",), [2], [False], ["x"]),
        ("T2", (), NOBODY, NOBODY, []),
        ("T3", ("a", "b"), [2, 3], [False, False], ["y", "z"]),
    )
    assert [row[:2] for row in rows[1:]] == [["T1", "b"], ["T3", "a"], ["T3", "b"]]


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "verdicts.csv"
    target.write_text("earlier")

    def broken_off():
        with written_whole(target) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert target.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_that_ends_in_gz_is_gzipped_without_the_time_it_was_written(tmp_path):
    target = tmp_path / "verdicts.csv.gz"
    with written_whole(target) as file:
        file.write(b"text")
    packed = target.read_bytes()
    assert gzip.decompress(packed) == b"text"
    assert packed[4:8] == bytes(4)
