"""The page's routes. Every one of them, the stylesheet included, answers only to a user who is logged in to Airflow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import GetUserDep, requires_authenticated
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.base import RequestResponseEndpoint

from ledger_guard.domain.errors import BadInputError, LedgerGuardError
from ledger_guard.domain.facts.codec import json_form
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import Scheduler
from ledger_guard.use_cases.reports.board import board
from ledger_guard.use_cases.reports.incident_record import incident_record
from ledger_guard.use_cases.reports.report import incident_report
from ledger_guard_board.forms import OrderRefused
from ledger_guard_board.orders import ORDERS, add_orders, may_order
from ledger_guard_board.pages import HERE, html, opened_dependencies, rendered, security_headers, wants_page
from ledger_guard_board.view_model import BoardView, board_view

_STATIC_FILES = {"board.css": "text/css", "board.js": "text/javascript"}
_NOT_QUIET = "Nothing is known until this is fixed: it does not mean that all is quiet."
_LOG_IN = "Your login has expired, or there was none. Reload the whole Airflow page to log in again."

# Without docs_url and openapi_url FastAPI adds no routes of its own, which its dependencies would not cover.
app = FastAPI(
    title="Ledger Guard", dependencies=[Depends(requires_authenticated())], openapi_url=None, docs_url=None, redoc_url=None
)

add_orders(app)


def airflow_scheduler() -> Scheduler:
    """DAGs and runs, from Airflow's own database, which this process can read."""
    from ledger_guard_board.scheduler import MetadataScheduler  # noqa: PLC0415  loads Airflow's models

    return MetadataScheduler()


def read_board(
    deps: Annotated[Dependencies, Depends(opened_dependencies)], scheduler: Annotated[Scheduler, Depends(airflow_scheduler)]
) -> BoardView:
    """The page's content. Raises LedgerGuardError when guard state can't be read."""
    return board_view(board(deps, scheduler), deps.ui_url)


Board = Annotated[BoardView, Depends(read_board)]


@app.get("/", response_class=HTMLResponse)
def page(view: Board, user: GetUserDep) -> HTMLResponse:
    """The board for people; with the way to the stop for whoever may use it."""
    return html("board.html", 200, view=view, order=("release" if view.is_stopped else "stop") if may_order(user) else "")


@app.get("/incidents/{incident_id}", response_class=HTMLResponse)
def incident(incident_id: str, deps: Annotated[Dependencies, Depends(opened_dependencies)]) -> HTMLResponse:
    """The incident's report: what was seen, decided, approved and done."""
    try:
        report = incident_report(deps, incident_id)
    except BadInputError as error:
        return html("unavailable.html", 404, title="There is no such incident", sentences=[str(error)], base="../")
    return html("report.html", 200, report=rendered(report), incident_id=incident_id, base="../", refresh_seconds=0)


@app.get("/incidents/{incident_id}/report.md")
def incident_markdown(incident_id: str, deps: Annotated[Dependencies, Depends(opened_dependencies)]) -> Response:
    """The report as a file."""
    return _download(lambda: incident_report(deps, incident_id), "text/markdown", f"incident-{incident_id}.md")


@app.get("/incidents/{incident_id}/record.json")
def incident_json(incident_id: str, deps: Annotated[Dependencies, Depends(opened_dependencies)]) -> Response:
    """Everything on record about the incident, as a file for programs."""

    def record() -> str:
        return json.dumps(json_form(incident_record(deps, incident_id)), indent=2, ensure_ascii=False)

    return _download(record, "application/json", f"incident-{incident_id}.json")


def _download(content: Callable[[], str], media_type: str, file_name: str) -> Response:
    try:
        text = content()
    except BadInputError as error:
        return JSONResponse({"detail": str(error)}, status_code=404)
    # the id is that of a stored incident by now: it holds no sign that a header could not
    return Response(text, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{file_name}"'})


@app.get("/state.json")
def state(view: Board) -> dict[str, Any]:
    """The board for programs."""
    return asdict(view)


@app.get("/health")
def health(view: Board) -> JSONResponse:
    """200 while every trigger has a fresh verdict; 503 when the guard is blind or its state can't be read."""
    blind = [card.trigger for card in view.triggers if card.is_blind]
    return JSONResponse({"status": "blind" if blind else "ok", "blind_for": blind}, status_code=503 if blind else 200)


@app.get("/static/{name}")
def static(name: str) -> FileResponse:
    """The stylesheet and the script."""
    if name not in _STATIC_FILES:
        raise HTTPException(404, "There is no such file.")
    return FileResponse(HERE / "static" / name, media_type=_STATIC_FILES[name])


@app.exception_handler(LedgerGuardError)
def guard_state_is_unreadable(request: Request, error: LedgerGuardError) -> Response:
    """Show that nothing is known."""
    if wants_page(request):
        return html(
            "unavailable.html",
            503,
            title="Ledger Guard can't read its own state",
            sentences=[*str(error).splitlines(), _NOT_QUIET],
        )
    return JSONResponse({"status": "unreadable", "detail": str(error)}, status_code=503)


@app.exception_handler(OrderRefused)
def order_is_refused(request: Request, error: OrderRefused) -> Response:
    """Say why a form was not obeyed."""
    if wants_page(request):
        return html("unavailable.html", error.status, title=error.title, sentences=[error.sentence], refresh_seconds=0)
    return JSONResponse({"detail": f"{error.title}. {error.sentence}"}, status_code=error.status)


@app.exception_handler(StarletteHTTPException)
def refused(request: Request, error: StarletteHTTPException) -> Response:
    """Keep the status; show people what to do instead of JSON in a frame."""
    if wants_page(request) and error.status_code in (401, 403):
        return html("unavailable.html", error.status_code, title="You are not logged in", sentences=[_LOG_IN])
    return JSONResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


@app.middleware("http")
async def add_security_headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Set the same headers on every answer, also on refusals."""
    response = await call_next(request)
    response.headers.update(security_headers(sends_forms=request.url.path.rpartition("/")[2] in ORDERS))
    return response
