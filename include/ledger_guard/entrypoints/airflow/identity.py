"""Requester and approver, identified by the auth manager that logged them in.

Both come from the same method of the auth manager's user, `get_name`: the API server writes it on a run started by a person, and
beside the id on an answer. A worker can't look up users, so it uses what it knows about the configured auth manager.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.configuration import conf

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.identities import AuthManager, Login, UserId, name_of_login, user_name

#: by the class in [core] auth_manager; a custom class could give any name to anyone
_KNOWN = {
    "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager": AuthManager(
        "SimpleAuthManager", UserId.NAME, ("Anonymous",)
    ),
    # user names are unique ignoring case, and only an administrator changes them; the id is the table's key
    "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager": AuthManager(
        "FabAuthManager", UserId.NUMBER, ("Anonymous",)
    ),
    "airflow.providers.keycloak.auth_manager.keycloak_auth_manager.KeycloakAuthManager": AuthManager(
        "KeycloakAuthManager", UserId.SUBJECT, ("unknown", "service-account")
    ),
}


def who_started(name: str | None) -> str:
    """Return who started a run by hand; raises SafetyRefusal when the person can't be identified."""
    return user_name(name or "", _auth_manager())


def who_answered(user: Mapping[str, Any]) -> str:
    """Return who answered a question; raises SafetyRefusal when the person can't be identified."""
    return name_of_login(Login(str(user.get("id") or ""), str(user.get("name") or "")), _auth_manager())


def let_in(names: Sequence[str]) -> list[dict[str, str]] | None:
    """Return the only users whose answers Airflow should accept; None where this can't be determined.

    Airflow compares user ids. Where ids are not names, no one of the policy would be allowed. So everyone who may answer
    questions is, and the gate itself refuses all but the named.
    """
    manager = _KNOWN.get(_configured())
    if manager is None or manager.user_id is not UserId.NAME:
        return None
    return [{"id": name, "name": name} for name in names]


def _auth_manager() -> AuthManager:
    configured = _configured()
    if configured not in _KNOWN:
        known = ", ".join(manager.name for manager in _KNOWN.values())
        raise SafetyRefusal(
            f"the auth manager {configured} is not known, so its user names can't be trusted; "
            f"allowed in [core] auth_manager: {known}"
        )
    return _KNOWN[configured]


def _configured() -> str:
    return str(conf.get("core", "auth_manager"))
