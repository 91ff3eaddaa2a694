"""The Ledger Guard page inside Airflow's UI (`/plugin/ledger-guard`), for logged-in users.

Every Airflow component imports this module, so it stays light: the page's own code is loaded by its first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


async def board_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request to the page's application."""
    from ledger_guard_board.app import app  # noqa: PLC0415  loads FastAPI and templates, which only the API server needs

    await app(scope, receive, send)


class LedgerGuardBoard(AirflowPlugin):  # type: ignore[misc]  # mypy does not read Airflow's types
    """Mounts the page and puts it into the navigation."""

    name = "ledger_guard_board"
    fastapi_apps: ClassVar[list[Any]] = [{"app": board_app, "url_prefix": "/ledger-guard", "name": "Ledger Guard"}]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Ledger Guard",
            # relative: the UI resolves it against its own base address, which may have a path
            "href": "ledger-guard/",
            "url_route": "ledger-guard",
            "destination": "nav",
        }
    ]
