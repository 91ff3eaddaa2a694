"""The page's routes. Every one of them, the stylesheet included, answers only to a user who is logged in to Airflow."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import requires_authenticated
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.base import RequestResponseEndpoint

from ledger_guard.domain.errors import BadInputError, LedgerGuardError
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import Scheduler
from ledger_guard.use_cases.reports.board import board
from ledger_guard.use_cases.reports.report import incident_report
from ledger_guard_board.view_model import BoardView, board_view

_HERE = Path(__file__).parent
_STATIC_FILES = {"board.css": "text/css", "board.js": "text/javascript"}
_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_NOT_QUIET = "Nothing is known while this stands: it does not mean that all is quiet."
_LOG_IN = "Your login has run out, or there was none. Reload the whole Airflow page to log in again."
REFRESH_SECONDS = 30

_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)

# Without docs_url and openapi_url FastAPI adds no routes of its own, which its dependencies would not cover.
app = FastAPI(
    title="Ledger Guard", dependencies=[Depends(requires_authenticated())], openapi_url=None, docs_url=None, redoc_url=None
)


def opened_dependencies() -> Dependencies:
    """The guard of one request. Raises LedgerGuardError when policy or connections are wrong."""
    from ledger_guard.wiring import open_dependencies  # noqa: PLC0415  adapters are built for a request, never at import

    return open_dependencies()


def airflow_scheduler() -> Scheduler:
    """DAGs and runs, from Airflow's own database, which this process has at hand."""
    from ledger_guard_board.scheduler import MetadataScheduler  # noqa: PLC0415  loads Airflow's models

    return MetadataScheduler()


def read_board(
    deps: Annotated[Dependencies, Depends(opened_dependencies)], scheduler: Annotated[Scheduler, Depends(airflow_scheduler)]
) -> BoardView:
    """The page's content. Raises LedgerGuardError when guard state can't be read."""
    return board_view(board(deps, scheduler), deps.ui_url)


Board = Annotated[BoardView, Depends(read_board)]


@app.get("/", response_class=HTMLResponse)
def page(view: Board) -> HTMLResponse:
    """The board for people."""
    return _html("board.html", 200, view=view)


@app.get("/incidents/{incident_id}", response_class=HTMLResponse)
def incident(incident_id: str, deps: Annotated[Dependencies, Depends(opened_dependencies)]) -> HTMLResponse:
    """The incident's report: what was seen, decided, approved and done."""
    try:
        report = incident_report(deps, incident_id)
    except BadInputError as error:
        return _html("unavailable.html", 404, title="There is no such incident", sentences=[str(error)], base="../")
    return _html("report.html", 200, report=report, base="../", refresh_seconds=0)


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
    return FileResponse(_HERE / "static" / name, media_type=_STATIC_FILES[name])


@app.exception_handler(LedgerGuardError)
def guard_state_is_unreadable(request: Request, error: LedgerGuardError) -> Response:
    """Say plainly that nothing is known."""
    if _wants_page(request):
        return _html(
            "unavailable.html",
            503,
            title="Ledger Guard can't read its own state",
            sentences=[*str(error).splitlines(), _NOT_QUIET],
        )
    return JSONResponse({"status": "unreadable", "detail": str(error)}, status_code=503)


@app.exception_handler(StarletteHTTPException)
def refused(request: Request, error: StarletteHTTPException) -> Response:
    """Keep the status; tell people what to do instead of showing them JSON in a frame."""
    if _wants_page(request) and error.status_code in (401, 403):
        return _html("unavailable.html", error.status_code, title="You are not logged in", sentences=[_LOG_IN])
    return JSONResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


@app.middleware("http")
async def add_security_headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Put the same headers on every answer, refusals included."""
    response = await call_next(request)
    response.headers.update(_SECURITY_HEADERS)
    return response


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _html(template: str, status: int, *, base: str = "", refresh_seconds: int = REFRESH_SECONDS, **content: Any) -> HTMLResponse:
    text = _templates.get_template(template).render(base=base, refresh_seconds=refresh_seconds, **content)
    return HTMLResponse(text, status_code=status)
