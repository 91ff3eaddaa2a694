"""The recipes of CONTRIBUTING.md, followed step by step on a copy of the code: what they add works, and keeps the rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recipes import ROOT, recipes, steps_of

LIBRARY = Path("include", "ledger_guard")
#: what a recipe adds is played on the copy, by the play of its name
PLAYED = {"A signal": "play_signal", "A source": "play_source", "A notifier": "play_notifier", "An action": "play_action"}

#: what a copy of the library alone can break, without the one that starts the command line
_RULES = "not command_line and not dag_file"


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The code after all recipes were followed."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "include", copy / "include")
    for text in recipes().values():
        for step in steps_of(text):
            step.follow(copy)
    return copy


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(copy / "include"), str(ROOT)]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    return subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_each_recipe_is_played_or_stands_for_something_that_is_there():
    assert set(recipes()) == {*PLAYED, "A flag store"}


@pytest.mark.parametrize("heading", PLAYED)
def test_what_a_recipe_adds_works_through_the_policy_and_the_wiring(copy, heading, tmp_path):
    play = Path(__file__).parent / "plays" / f"{PLAYED[heading]}.py"
    found = run(copy, sys.executable, str(play), str(tmp_path))
    assert (found.returncode, found.stderr) == (0, "")
    assert Path(found.stdout.strip()) == copy / LIBRARY / "__init__.py", "the play ran on other code than the copy"


@pytest.mark.parametrize("heading", PLAYED)
def test_without_its_last_step_a_recipe_does_not_work(heading, tmp_path):
    """Each recipe's play would notice that a step is missing; otherwise the test above showed nothing."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "include", copy / "include")
    for step in steps_of(recipes()[heading])[:-1]:
        step.follow(copy)
    assert (
        run(copy, sys.executable, str(Path(__file__).parent / "plays" / f"{PLAYED[heading]}.py"), str(tmp_path)).returncode == 1
    )


def test_what_the_recipes_add_is_laid_out_and_written_as_the_rest(copy):
    ruff = Path(sys.executable).with_name("ruff")
    for verb in (("check",), ("format", "--check")):
        found = run(copy, str(ruff), *verb, "--no-cache", "--config", str(ROOT / "pyproject.toml"), "include/ledger_guard")
        assert found.returncode == 0, found.stdout


def test_what_the_recipes_add_keeps_the_layers(copy):
    rules = copy / "tests" / "architecture"
    rules.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "architecture" / "test_layering.py", rules)
    (copy / "pytest.ini").write_text("[pytest]\n")
    found = run(
        copy, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pytest.ini", "-k", _RULES, str(rules)
    )
    assert found.returncode == 0, found.stdout


def test_no_recipe_touches_a_dag_and_a_source_or_store_or_notifier_is_one_line_in_wiring():
    for heading, text in recipes().items():
        steps = steps_of(text)
        assert not [step.file for step in steps if step.file.startswith("dags")]
        lines = [step.code for step in steps if step.file.endswith("wiring.py") and not step.code.startswith("from ")]
        assert [code.count("\n") for code in lines] == ([1] if heading in ("A source", "A notifier") else [])


def test_unleash_was_added_by_the_places_that_the_recipe_names_and_no_others():
    table = [line for line in recipes()["A flag store"].splitlines() if line.startswith("|")]
    named = set(re.findall(r"`(include/[\w./]+)`", "\n".join(table)))
    library = ROOT / LIBRARY
    found = {str(path.relative_to(ROOT)) for path in library.rglob("*.py") if "unleash" in path.read_text().lower()}
    assert named == found
