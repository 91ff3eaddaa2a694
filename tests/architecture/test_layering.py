"""Imports point inward, the outside is reached only where it may be, and nothing stands that must not."""

import ast
import functools
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "include" / "ledger_guard"

#: layer of the library → what it may import of the library
MAY_IMPORT = {
    "domain": {"domain"},
    # its sections; the loader stands above the signals, because what they ask of a policy is proved with the rest
    "policy": {"domain", "policy"},
    "policy.loader": {"domain", "policy", "signals"},
    "detection": {"domain", "policy", "detection"},
    "ports": {"domain", "policy", "ports"},
    "sql": {"sql"},
    "signals": {"domain", "policy", "ports", "signals"},
    "use_cases": {"domain", "policy", "detection", "ports", "signals", "use_cases"},
    "migrations": {"adapters", "domain", "sql"},
    "adapters": {"domain", "policy", "ports", "sql", "adapters"},
    "connections": {"domain", "adapters", "entrypoints"},
    "wiring": {"domain", "policy", "policy.loader", "ports", "adapters", "connections", "entrypoints"},
    "entrypoints": {
        *(
            "domain",
            "policy",
            "policy.loader",
            "detection",
            "ports",
            "signals",
            "use_cases",
            "adapters",
            "connections",
            "wiring",
            "entrypoints",
        )
    },
    "__main__": {"entrypoints"},
    "__init__": set(),
}
#: concern of the use cases → the others that it imports: 19 arrows
CONCERNS_MAY_IMPORT = {
    "approvals": {"notify", "wake"},
    "backfill": {"approvals"},
    "drills": {"approvals", "health_check", "notify"},
    "flags": {"approvals", "backfill", "notify"},
    "health_check": {"approvals", "notify", "wake"},
    "remediation": {"approvals", "flags", "notify", "reports"},
    "reports": {"approvals", "flags"},
    "wake": {"notify"},
}
DRIVERS = {"psycopg", "sqlalchemy", "alembic", "airflow", "slack_sdk", "httpx", "httpcore", "dotenv"}


@functools.cache
def modules() -> list[Path]:
    return sorted(path for path in LIBRARY.rglob("*.py") if "versions" not in path.relative_to(LIBRARY).parts)


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


@functools.cache
def imported(path: Path) -> set[str]:
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def drivers(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)} & DRIVERS


def layer_of(path: Path) -> str:
    return layer_named(".".join(path.relative_to(LIBRARY).with_suffix("").parts))


def layer_named(module: str) -> str:
    return "policy.loader" if module == "policy.loader" else module.split(".", maxsplit=1)[0]


def name_of(path: Path) -> str:
    return str(path.relative_to(LIBRARY))


def test_a_module_imports_only_from_its_own_layer_and_inward():
    outward = {}
    for path in modules():
        inner = {layer_named(name.removeprefix("ledger_guard.")) for name in imported(path) if name.startswith("ledger_guard.")}
        if beyond := inner - MAY_IMPORT[layer_of(path)]:
            outward[name_of(path)] = beyond
    assert outward == {}


def test_drivers_are_imported_at_the_edge_only():
    edge = {"adapters", "migrations", "entrypoints"}
    assert {name_of(path): found for path in modules() if layer_of(path) not in edge and (found := drivers(path))} == {}


def test_airflow_is_imported_in_its_entrypoint_only():
    inside = LIBRARY / "entrypoints" / "airflow"
    assert [name_of(path) for path in modules() if "airflow" in drivers(path) and inside not in path.parents] == []


def arrows_between_concerns() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in (LIBRARY / "use_cases").rglob("*.py"):
        concern = path.relative_to(LIBRARY / "use_cases").parts[0]
        parts = [name.split(".") for name in imported(path) if name.startswith("ledger_guard.use_cases.")]
        found[concern] = found.get(concern, set()) | {each[2] for each in parts} - {concern}
    return {concern: others for concern, others in found.items() if others}


def test_a_concern_of_the_use_cases_imports_only_the_concerns_that_it_may():
    """What two of them share goes to the domain, or to the concern that owns it, before another arrow is drawn."""
    assert arrows_between_concerns() == CONCERNS_MAY_IMPORT


def test_the_concerns_of_the_use_cases_import_each_other_in_no_circle():
    TopologicalSorter(arrows_between_concerns()).prepare()


def test_the_library_never_imports_the_sandbox():
    assert not [path for path in modules() if any(name.startswith("ledger_sandbox") for name in imported(path))]


def test_the_command_line_starts_without_airflow():
    begin = "import sys; sys.modules['airflow'] = None; from ledger_guard.entrypoints.cli.main import main;"
    code = f"{begin} sys.exit(main(['policy', 'check']))"
    environment = {"PYTHONPATH": "include"}
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_no_module_outgrows_a_reader():
    """Ports are left out: one Protocol after the other, nothing to follow."""
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in modules() if layer_of(path) != "ports"}
    assert {name: lines for name, lines in lengths.items() if lines > 260} == {}


def test_a_dag_file_stays_thin():
    lengths = {}
    for path in (ROOT / "dags").glob("*.py"):
        tree = ast.parse(path.read_text())
        docstring = ast.get_docstring(tree, clean=False) or ""
        written = [line for line in path.read_text().splitlines() if line.strip()]
        lengths[path.name] = len(written) - len([line for line in docstring.splitlines() if line.strip()])
    assert {name: lines for name, lines in lengths.items() if lines > 135} == {}


def test_what_the_audit_log_records_and_what_rules_read_of_it_are_facts():
    """An export is read back as it stands: it may be of any version."""
    told = {}
    for path in (each for each in modules() if layer_of(each) in {"use_cases", "signals"}):
        for node in nodes(path):
            is_event = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "AuditEvent"
            is_detail = isinstance(node, ast.Attribute) and node.attr == "detail" and ast.unparse(node.value).endswith("event")
            if is_event or is_detail:
                told.setdefault(name_of(path), []).append(node.lineno)
    assert set(told) == {"use_cases/audit/audit_export.py"}
