"""Whom the gate takes for the requester and for whoever answers, under each auth manager."""

from types import SimpleNamespace

import pytest

from ledger_guard.domain.errors import SafetyRefusal

pytestmark = pytest.mark.airflow

SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
KEYCLOAK = "airflow.providers.keycloak.auth_manager.keycloak_auth_manager.KeycloakAuthManager"
SUBJECT = "6f2f0d3c-5a52-4b8e-9f3e-0d1c2b3a4f5e"


@pytest.fixture
def under(airflow_home, monkeypatch):
    """Sets the auth manager that the worker is configured with."""
    return lambda name: monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", name)


def run_of(user, run_type="manual"):
    return SimpleNamespace(dag_id="flag_rollback", run_id="r", run_type=run_type, triggering_user_name=user, conf={})


@pytest.mark.parametrize(
    ("auth_manager", "user_id"), [(SIMPLE, "oncall"), (FAB, "3"), (KEYCLOAK, SUBJECT)], ids=["simple", "fab", "keycloak"]
)
def test_requester_and_approver_are_one_name(under, auth_manager, user_id):
    from ledger_guard.entrypoints.airflow.identity import who_answered
    from ledger_guard.entrypoints.airflow.runs import started

    under(auth_manager)
    assert who_answered({"id": user_id, "name": "oncall"}) == started(run_of("oncall")).started_by == "oncall"


def test_under_an_auth_manager_that_is_not_known_no_one_asks_and_no_one_answers(under):
    from ledger_guard.entrypoints.airflow.identity import who_answered
    from ledger_guard.entrypoints.airflow.runs import started

    under("acme.sso.AcmeAuthManager")
    run = started(run_of("oncall"))
    assert run.started_by is None
    assert "acme.sso.AcmeAuthManager is not known" in run.doubt
    assert "allowed in [core] auth_manager: SimpleAuthManager, FabAuthManager, KeycloakAuthManager" in run.doubt
    with pytest.raises(SafetyRefusal, match="is not known"):
        who_answered({"id": "oncall", "name": "oncall"})


@pytest.mark.parametrize("user", [{}, {"id": "3"}, {"id": "3", "name": None}, {"name": "oncall"}], ids=str)
def test_an_answer_without_id_or_name_is_no_ones(under, user):
    from ledger_guard.entrypoints.airflow.identity import who_answered

    under(FAB)
    with pytest.raises(SafetyRefusal, match="not identified"):
        who_answered(user)


@pytest.mark.parametrize(
    ("auth_manager", "let_in"),
    [
        pytest.param(SIMPLE, [{"id": "ops-lead", "name": "ops-lead"}], id="the id is the name"),
        pytest.param(FAB, None, id="the id is a number: a list of names lets nobody in"),
        pytest.param(KEYCLOAK, None, id="the id is Keycloak's"),
        pytest.param("acme.sso.AcmeAuthManager", None, id="not known"),
    ],
)
def test_airflow_turns_people_away_only_where_it_compares_names(under, auth_manager, let_in):
    from ledger_guard.entrypoints.airflow import identity as airflow_identity

    under(auth_manager)
    assert airflow_identity.let_in(["ops-lead"]) == let_in


@pytest.mark.parametrize(
    ("run_type", "is_scheduled", "is_started_by_run"),
    [
        ("scheduled", True, False),
        ("backfill", False, True),
        ("asset_triggered", False, True),
        ("operator_triggered", False, True),
    ],
)
def test_only_a_run_by_hand_is_a_persons(under, run_type, is_scheduled, is_started_by_run):
    from ledger_guard.entrypoints.airflow.runs import started

    under(FAB)
    run = started(run_of("oncall", run_type))
    assert (run.started_by, run.is_scheduled, run.is_started_by_run, run.doubt) == (None, is_scheduled, is_started_by_run, "")
