"""The container files, read as data: no container engine is needed."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger_guard.domain.audit_keys import parse_audit_keys

PROJECT = Path(__file__).parents[2]
AIRFLOW_SERVICES = ("init", "api-server", "scheduler", "dag-processor", "watch")
DATABASES = ("airflow-db", "platform-db")


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (PROJECT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, rest in lines]


def of_kind(word: str) -> list[str]:
    return [rest for kind, rest in instructions() if kind == word]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((PROJECT / "docker-compose.yaml").read_text(encoding="utf-8"))


def example_names() -> dict[str, str]:
    lines = (PROJECT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


# --- Dockerfile -----------------------------------------------------------------------------------------------------


def test_the_image_stands_on_the_airflow_that_the_lock_names():
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    version = re.search(r"^apache-airflow==(\S+)", lock, re.MULTILINE).group(1)
    assert of_kind("FROM") == [f"apache/airflow:{version}"]


def test_packages_come_from_the_lock_with_their_hashes_and_never_as_root():
    kinds = [kind for kind, _ in instructions()]
    installs = [rest for rest in of_kind("RUN") if "pip" in rest]
    assert installs == ["uv pip sync --no-cache --compile-bytecode --require-hashes /opt/airflow/requirements.lock"]
    assert of_kind("USER") == ["airflow"]
    assert kinds.index("USER") < kinds.index("RUN")


def test_every_locked_package_has_hashes():
    entries = re.split(r"\n(?=[A-Za-z0-9])", (PROJECT / "requirements.lock").read_text(encoding="utf-8"))
    without = [entry.splitlines()[0] for entry in entries if "==" in entry.splitlines()[0] and "--hash=sha256:" not in entry]
    assert without == []


def test_the_library_is_importable_and_the_policy_found_inside_the_image():
    environment = dict(pair.split("=", 1) for rest in of_kind("ENV") for pair in rest.split())
    assert environment["PYTHONPATH"] == "/opt/airflow/include"
    policy = environment["LEDGER_GUARD_POLICY"].removeprefix("/opt/airflow/")
    assert (PROJECT / policy).is_file()


def test_everything_that_is_copied_exists_and_reaches_the_build_context():
    sources = [rest.split()[-2] for rest in of_kind("COPY")]
    assert sorted(sources) == ["config", "dags", "include", "plugins", "requirements.lock"]
    ignored = [line for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    for source in sources:
        assert (PROJECT / source).exists()
        assert f"!{source}" in ignored


@pytest.mark.parametrize("secret", [".env", "include/.env", "dags/.env.production"])
def test_secrets_stay_out_of_the_build_context(secret):
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert any(fnmatch(f"/{secret}", f"*/{pattern.removeprefix('**/')}") for pattern in ignored if pattern.startswith("**/.env"))


def test_nothing_is_fetched_when_a_container_starts():
    assert of_kind("ENTRYPOINT") == of_kind("CMD") == of_kind("ADD") == []
    assert "_PIP_ADDITIONAL_REQUIREMENTS" not in (PROJECT / "docker-compose.yaml").read_text(encoding="utf-8")


# --- docker-compose.yaml --------------------------------------------------------------------------------------------


def test_the_stack_is_two_databases_one_initialisation_the_three_airflow_processes_and_the_watcher(compose):
    assert set(compose["services"]) == {*DATABASES, *AIRFLOW_SERVICES}
    commands = {name: compose["services"][name]["command"][0] for name in AIRFLOW_SERVICES[1:-1]}
    assert commands == {"api-server": "api-server", "scheduler": "scheduler", "dag-processor": "dag-processor"}


def test_the_watcher_needs_no_airflow_process_and_looks_as_often_as_its_health_check_asks(compose):
    watcher = compose["services"]["watch"]
    assert watcher["command"][-1] == "while true; do python -m ledger_guard watch; touch /tmp/looked; sleep 300; done"
    assert set(watcher["depends_on"]) == {"init"}
    assert "-mmin -10" in watcher["healthcheck"]["test"][-1]


def test_every_image_names_its_version(compose):
    for name, service in compose["services"].items():
        tag = service["image"].partition(":")[2]
        assert tag, name
        assert tag != "latest", name
    assert {compose["services"][name]["image"] for name in DATABASES} == {"postgres:17"}


def test_both_schemas_are_migrated_once_before_anything_else_runs(compose):
    init = compose["services"]["init"]
    assert init["restart"] == "no"
    airflow, guard = init["command"][-1].split(" && ")
    assert airflow == "airflow db migrate"
    assert guard.endswith("python -m ledger_guard db upgrade")
    with_owner = [name for name, service in compose["services"].items() if "OWNER_URI" in service.get("environment", {})]
    assert with_owner == ["init"], "the owner of the tables migrates and does nothing else"
    assert {name: wait["condition"] for name, wait in init["depends_on"].items()} == dict.fromkeys(DATABASES, "service_healthy")
    for name in AIRFLOW_SERVICES[1:]:
        assert compose["services"][name]["depends_on"]["init"]["condition"] == "service_completed_successfully"


def test_everything_that_keeps_running_has_a_health_check(compose):
    without = [name for name, service in compose["services"].items() if name != "init" and "healthcheck" not in service]
    assert without == []


def test_a_service_waits_for_health_only_where_health_is_checked(compose):
    for service in compose["services"].values():
        for other, wait in service.get("depends_on", {}).items():
            assert other in compose["services"]
            assert wait["condition"] != "service_healthy" or "healthcheck" in compose["services"][other]


@pytest.mark.parametrize("service", AIRFLOW_SERVICES)
def test_every_airflow_process_gets_the_same_connections_and_secrets_from_the_env_file(compose, service):
    environment = compose["services"][service]["environment"]
    required = {
        "AIRFLOW__API_AUTH__JWT_SECRET": "AIRFLOW_JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY": "AIRFLOW_API_SECRET_KEY",
        "AIRFLOW__CORE__FERNET_KEY": "AIRFLOW_FERNET_KEY",
        "AIRFLOW_CONN_LEDGER_DB": "LEDGER_DB_URI",
        "AIRFLOW_CONN_LEDGER_GUARD_DB": "LEDGER_GUARD_DB_URI",
        # without it whoever has the database can forge the audit log
        "LEDGER_GUARD_AUDIT_KEY": "LEDGER_AUDIT_KEY",
    }
    for key, name in required.items():
        assert environment[key] == f"${{{name}:?is not set in .env}}"
    assert "${SLACK_BOT_TOKEN:-}" in environment["AIRFLOW_CONN_SLACK_LEDGER_OPS"]


def test_no_secret_is_written_in_the_compose_file(compose):
    secretive = re.compile(r"PASSWORD$|SECRET|TOKEN|FERNET_KEY|SQL_ALCHEMY_CONN|_CONN_")
    for name, service in compose["services"].items():
        for key, value in service["environment"].items():
            if secretive.search(key) and not key.endswith("PASSWORDS_FILE"):
                assert re.search(r"\$\{[A-Z_]+(:\?|:-\})", value), f"{name}: {key} holds a value of its own"


def test_the_example_names_every_variable_that_compose_reads_and_no_other():
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (PROJECT / "docker-compose.yaml").read_text(encoding="utf-8")))
    assert set(example_names()) == used


def test_the_example_holds_no_value_at_all():
    assert {name: value for name, value in example_names().items() if value} == {}


def test_the_env_file_is_never_committed():
    assert ".env" in (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_what_is_mounted_from_the_project_exists_and_is_read_only(compose):
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                assert (PROJECT / source).exists(), f"{name}: {source}"
                assert mode == ["ro"], f"{name}: {target} can be written"
            else:
                assert source in compose["volumes"], f"{name}: {source}"


def test_the_page_is_reached_from_this_machine_only_and_the_databases_from_nowhere(compose):
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {"api-server": ["127.0.0.1:8080:8080"]}


@pytest.mark.parametrize("service", AIRFLOW_SERVICES)
def test_airflow_processes_run_without_privileges(compose, service):
    found = compose["services"][service]
    assert (found["cap_drop"], found["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert "privileged" not in found


def test_a_stop_signal_reaches_the_scheduler_alone_and_not_its_workers(compose):
    assert compose["services"]["scheduler"]["environment"]["DUMB_INIT_SETSID"] == "0"


def test_the_policys_approvers_can_log_in(compose):
    policy = yaml.safe_load((PROJECT / "include/policies/ledger_rollout.yaml").read_text(encoding="utf-8"))
    users = compose["services"]["api-server"]["environment"]["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
    roles = dict(user.split(":") for user in users.split(","))
    approvers = {name for approval in policy["approvals"].values() for name in approval["approvers"]}
    assert {roles.get(name) for name in approvers} <= {"user", "op", "admin"}


def test_no_one_but_the_administrator_has_more_than_the_role_user(compose):
    """Role op edits connections: whoever has it holds the platform's password (docs/operations.md)."""
    for service in AIRFLOW_SERVICES:
        users = compose["services"][service]["environment"]["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
        roles = dict(pair.split(":") for pair in users.split(","))
        assert {name for name, role in roles.items() if role not in ("user", "viewer")} == {"admin"}


def test_the_key_that_the_example_tells_to_make_is_one():
    text = (PROJECT / ".env.example").read_text(encoding="utf-8")
    assert 'echo "key-1:$(openssl rand -hex 32)"' in text
    assert parse_audit_keys(f"key-1:{'0f' * 32}", "test").newest is not None
