"""The stop on the board: a form, and what it orders, in the name of the person who is logged in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dag import DagModel
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.reasons import REASON_MINIMUM_CHARACTERS
from ledger_guard.domain.stops import Stop, active_stop
from ledger_guard.domain.windows import iso
from ledger_guard.entrypoints.airflow.identity import who_answered
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.stop import release, stop
from ledger_guard_board.forms import OrderRefused, form_token, require_token, sent_form
from ledger_guard_board.pages import html, opened_dependencies

#: whoever may start runs of this DAG may stop the guard on the board too
_DAG_ID = "guard_stop"


@dataclass(frozen=True)
class Order:
    """What the form orders."""

    title: str
    #: what it does, for people
    effect: str
    carry_out: Callable[..., Stop]


ORDERS = {
    "stop": Order(
        "Stop every write of the guard",
        "From then on no write of wallets or flags begins, even if approved, and a running backfill ends after its batch. The "
        "guard still reads, judges and notifies. A second person, an approver of the policy, must release it.",
        stop,
    ),
    "release": Order(
        "Release the guard",
        "The guard may write again. It needs an approver of the policy who did not stop it. Nothing starts by itself: refused "
        "tasks must be cleared.",
        release,
    ),
}


def may_order(user: BaseUser) -> bool:
    """Whether Airflow lets this user start runs of `guard_stop`."""
    details = DagDetails(id=_DAG_ID, team_name=DagModel.get_team_name(_DAG_ID))
    allowed = get_auth_manager().is_authorized_dag(method="POST", access_entity=DagAccessEntity.RUN, details=details, user=user)
    return bool(allowed)


def person_who_orders(user: GetUserDep) -> str:
    """The person who is logged in, if they may order. Raises OrderRefused for anyone else, and where no one is identified."""
    if not may_order(user):
        raise OrderRefused(403, "You may not stop or release the guard", f"Needed: the right to start runs of {_DAG_ID}.")
    try:
        return who_answered({"id": user.get_id(), "name": user.get_name()})
    except SafetyRefusal as error:
        raise OrderRefused(403, "Who you are is not known", str(error)) from error


Person = Annotated[str, Depends(person_who_orders)]
Guard = Annotated[Dependencies, Depends(opened_dependencies)]
Form = Annotated[dict[str, str], Depends(sent_form)]


def add_orders(app: FastAPI) -> None:
    """Add both forms to the board. Only POST changes anything."""
    for name in ORDERS:
        app.add_api_route(f"/{name}", _shown(name), methods=["GET"], response_class=HTMLResponse)
        app.add_api_route(f"/{name}", _obeyed(name), methods=["POST"])


def _shown(name: str) -> Callable[[str, Dependencies], Response]:
    def show(person: Person, deps: Guard) -> Response:
        return _page(name, person, _active_stop(deps), 200)

    return show


def _obeyed(name: str) -> Callable[[str, Dependencies, dict[str, str]], Response]:
    def obey(person: Person, deps: Guard, form: Form) -> Response:
        reason = form.get("reason", "")
        require_token(form.get("token", ""), person, name, _about(_active_stop(deps)))
        try:
            ORDERS[name].carry_out(deps, reason, person, is_proved=True)
        except (BadInputError, SafetyRefusal) as error:
            status = 400 if isinstance(error, BadInputError) else 409
            return _page(name, person, _active_stop(deps), status, problem=str(error), reason=reason)
        return RedirectResponse("./", status_code=303)

    return obey


def _page(name: str, person: str, standing: Stop | None, status: int, *, problem: str = "", reason: str = "") -> Response:
    order = ORDERS[name]
    return html(
        "order.html",
        status,
        refresh_seconds=0,
        order=name,
        title=order.title,
        effect=order.effect,
        stop=standing,
        is_possible=(standing is None) is (name == "stop"),
        problem=problem,
        person=person,
        reason=reason,
        minimum=REASON_MINIMUM_CHARACTERS,
        token=form_token(person, name, _about(standing)),
    )


def _active_stop(deps: Dependencies) -> Stop | None:
    with deps.state.snapshot() as state:
        return active_stop(state.audit)


def _about(standing: Stop | None) -> str:
    """The state that a form was shown with: a form about another stop is not obeyed."""
    return f"stopped {iso(standing.since)}" if standing else "running"
