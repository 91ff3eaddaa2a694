"""Imports point inward, the outside is reached only where it may be, and nothing stands that must not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "include" / "ledger_guard"

#: folder or module of the library → what it may import of the library
MAY_IMPORT = {
    "domain": {"domain"},
    "policy": {"domain", "policy"},
    "detection": {"domain", "policy", "detection"},
    "ports": {"domain", "policy"},
    "sql": {"sql"},
    "use_cases": {"domain", "policy", "detection", "ports", "use_cases"},
    "migrations": {"adapters", "domain", "sql"},
    "adapters": {"domain", "policy", "ports", "sql", "adapters"},
    "wiring": {"domain", "policy", "ports", "adapters"},
    "commands": {"domain", "policy", "detection", "ports", "use_cases", "adapters", "wiring", "commands"},
    "cli": {"domain", "commands", "command_errors"},
    "command_errors": set(),
    "__main__": {"cli"},
    "__init__": set(),
}
#: the adapters that carry Airflow's side of a use case call inward through use cases and wiring
AIRFLOW_SIDE = {
    "adapters/airflow_approval.py",
    "adapters/airflow_break_glass.py",
    "adapters/airflow_failure.py",
    "adapters/airflow_runs.py",
}
DRIVERS = {"psycopg", "sqlalchemy", "alembic", "airflow", "slack_sdk", "httpx", "httpcore", "dotenv"}


def modules() -> list[Path]:
    return sorted(path for path in LIBRARY.rglob("*.py") if "versions" not in path.parts)


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def layer_of(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_module_imports_only_from_its_own_layer_and_inward(path):
    allowed = set(MAY_IMPORT[layer_of(path)])
    if str(path.relative_to(LIBRARY)) in AIRFLOW_SIDE:
        allowed |= {"use_cases", "wiring"}
    inner = {name.split(".")[1] for name in imported(path) if name.startswith("ledger_guard.")}
    assert inner <= allowed


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_drivers_are_imported_at_the_edge_only(path):
    if layer_of(path) in {"adapters", "migrations"}:
        return
    assert not {name.split(".")[0] for name in imported(path)} & DRIVERS


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_airflow_is_imported_in_adapters_named_after_it_only(path):
    if any(name.split(".")[0] == "airflow" for name in imported(path)):
        assert path.parent.name == "adapters"
        assert path.name.startswith("airflow_")


def test_the_library_never_imports_the_sandbox():
    assert not [path for path in modules() if any(name.startswith("ledger_sandbox") for name in imported(path))]


def test_the_command_line_starts_without_airflow():
    code = "import sys; sys.modules['airflow'] = None; from ledger_guard.entrypoints.cli.main import main; sys.exit(main(['policy', 'check']))"
    environment = {"PYTHONPATH": "include"}
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_no_module_outgrows_a_reader():
    long = {str(path.relative_to(ROOT)): lines for path in modules() if (lines := len(path.read_text().splitlines())) > 260}
    long.pop("include/ledger_guard/ports.py", None)  # all ports in one place, by design: one Protocol after the other
    assert long == {}


def test_a_dag_file_stays_thin():
    lengths = {}
    for path in (ROOT / "dags").glob("*.py"):
        tree = ast.parse(path.read_text())
        docstring = ast.get_docstring(tree, clean=False) or ""
        written = [line for line in path.read_text().splitlines() if line.strip()]
        lengths[path.name] = len(written) - len([line for line in docstring.splitlines() if line.strip()])
    assert {name: lines for name, lines in lengths.items() if lines > 135} == {}
