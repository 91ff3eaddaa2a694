"""Pages from templates, their security headers, and the guard that a request works with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from ledger_guard.ports import Dependencies

HERE = Path(__file__).parent
REFRESH_SECONDS = 30
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)

#: HTML in a report is shown as text; nothing is fetched from anywhere
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def rendered(markdown: str) -> Markup:
    """A Markdown text as HTML that is safe to show: what people and data put into it stays text."""
    return Markup(_markdown.render(markdown))  # noqa: S704  the renderer escapes


def opened_dependencies() -> Dependencies:
    """The guard of one request. Raises LedgerGuardError when policy or connections are wrong."""
    from ledger_guard.wiring import open_dependencies  # noqa: PLC0415  adapters are built for a request, never at import

    return open_dependencies()


def html(template: str, status: int, *, base: str = "", refresh_seconds: int = REFRESH_SECONDS, **content: Any) -> HTMLResponse:
    """A page; `base` leads from its address to that of the board."""
    text = _templates.get_template(template).render(base=base, refresh_seconds=refresh_seconds, **content)
    return HTMLResponse(text, status_code=status)


def wants_page(request: Request) -> bool:
    """Whether a browser asks, not a program."""
    return "text/html" in request.headers.get("accept", "")


def security_headers(*, sends_forms: bool) -> dict[str, str]:
    """The headers of every answer; only pages with a form may send one, and only to this origin."""
    action = "'self'" if sends_forms else "'none'"
    content = (
        f"default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action {action}; frame-ancestors 'self'"
    )
    return {"Content-Security-Policy": content, **_SECURITY_HEADERS}
