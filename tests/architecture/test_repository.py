"""The repository says nothing that it must not, and its generated page is current."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = {".py", ".sql", ".yaml", ".md", ".toml", ".html", ".css", ".txt", ""}


def tracked_texts() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if Path(name).suffix in TEXT and (ROOT / name).exists()]


def test_docs_dags_md_is_current():
    found = subprocess.run(
        [sys.executable, "docs/build_dags_md.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_no_file_has_a_shell_template():
    """A Jinja expression in a shell command would let a run's conf write the command."""
    assert not [path for path in (ROOT / "dags").glob("*.py") if "BashOperator" in path.read_text()]


def test_no_unfinished_work_is_committed():
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|NotImplemented" + r"Error)\b")
    assert not [path for path in tracked_texts() if path.suffix in {".py", ".sql"} and words.search(path.read_text())]


def test_sql_is_never_put_together_from_text():
    """Statements live in files; an f-string that begins like one is a statement built by hand."""
    built = re.compile(r"\bf[\"']{1,3}\s*(select|insert|update|delete|with)\s", re.IGNORECASE)
    assert not [path for path in (ROOT / "include" / "ledger_guard").rglob("*.py") if built.search(path.read_text())]


def test_every_path_that_the_docs_name_exists():
    named = re.compile(r"`((?:docs|tests|include|dags|plugins|benchmarks)/[\w./-]*)`|\]\(([\w./-]+)\)")
    missing = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for code, link in named.findall(page.read_text()):
            target = ROOT / code if code else page.parent / link
            if not target.exists():
                missing.append(f"{page.name}: {code or link}")
    assert missing == []
