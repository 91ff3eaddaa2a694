"""`backtest --plot`: the picture of the worst tenants."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.entrypoints.cli.backtest_files import drawn

from ledger_guard.entrypoints.cli.main import main
from ledger_guard.use_cases.backtest import time_series

ROOT = Path(__file__).parents[3]
BEGINNINGS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}

pytestmark = pytest.mark.usefixtures("readable_engine")


def titles(picture: Path) -> list[str]:
    """Panel titles of an SVG, which keeps its texts."""
    return re.findall(r">(\S+ +\(severe [^<]*\))<", picture.read_text())


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_the_file_name_says_what_is_drawn(judge, tmp_path, kind):
    picture = tmp_path / f"worst.{kind}"
    code, _, rows = judge(drawn(a="..SS ii.", b="....m..."), "--plot", str(picture))
    assert (code, len(rows)) == (0, 16)
    assert picture.read_bytes().startswith(BEGINNINGS[kind])


def test_the_worst_tenants_are_drawn_worst_first(judge, tmp_path):
    picture = tmp_path / "worst.svg"
    judge(drawn(a="........", b="..mm....", c=".SSSSSS."), "--plot", str(picture), "--plot-tenants", "2")
    assert titles(picture) == ["c   (severe 0.5 h, mild 0.0 h)", "b   (severe 0.0 h, mild 0.2 h)"]


def test_where_no_one_was_alarmed_the_best_known_are_drawn(judge, tmp_path):
    picture = tmp_path / "worst.svg"
    judge(drawn(a="iiii", b="...."), "--plot", str(picture), "--plot-tenants", "1")
    assert titles(picture) == ["b   (severe 0.0 h, mild 0.0 h)"]


def test_a_tenant_without_any_rate_is_drawn_all_the_same(judge, tmp_path):
    picture = tmp_path / "worst.svg"
    assert judge(drawn(a="S", b="i"), "--plot", str(picture))[0] == 0
    assert len(titles(picture)) == 2


def test_a_tenant_that_comes_later_moves_no_one_elses_line(judge, tmp_path):
    picture = tmp_path / "worst.svg"
    judge(drawn(z="......SSS", a="   m....."), "--plot", str(picture))
    assert titles(picture) == ["z   (severe 0.2 h, mild 0.0 h)", "a   (severe 0.0 h, mild 0.1 h)"]


def test_many_windows_share_points_and_no_alarm_is_lost(judge, tmp_path, monkeypatch):
    monkeypatch.setattr(time_series, "MOST_POINTS", 10)
    picture = tmp_path / "worst.svg"
    judge(drawn(a="." * 40 + "S" + "." * 54), "--plot", str(picture))
    assert titles(picture) == ["a   (severe 0.8 h, mild 0.0 h)"]


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        pytest.param("worst.jpg", "can't be drawn; allowed: a file that ends in .png, .svg, .pdf", id="another kind"),
        pytest.param("worst", "can't be drawn", id="no kind"),
        pytest.param("missing/worst.png", "can't be written (no such folder)", id="no such folder"),
    ],
)
def test_a_picture_that_can_not_be_is_refused_before_anything_is_judged(judge, tmp_path, picture, said):
    code, err, _ = judge(drawn(a="..."), "--plot", str(tmp_path / picture))
    assert code == 2
    assert said in err
    assert not (tmp_path / "verdicts.csv").exists()


def test_the_picture_does_not_overwrite_the_verdicts(judge, tmp_path):
    code, err, _ = judge(drawn(a="..."), "--plot", str(tmp_path / "both.svg"), output="both.svg")
    assert (code, "is the input or the output" in err) == (2, True)


def test_matplotlib_is_loaded_only_for_a_picture():
    code = "import sys, ledger_guard.entrypoints.cli.backtest; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": "include"}, check=False).returncode == 0


def test_what_can_not_be_read_twice_is_not_drawn(tmp_path, capsys):
    output, picture = str(tmp_path / "verdicts.csv"), str(tmp_path / "worst.png")
    assert main(["backtest", "--trigger", "T1", "--input", "/dev/null", "--output", output, "--plot", picture]) == 2
    assert capsys.readouterr().err == "/dev/null: can't be read twice; allowed with --plot: a file\n"
