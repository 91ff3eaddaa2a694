"""What a form must prove before it is obeyed: this site's own page sent it, for the person and the state it was shown with."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from airflow.api_fastapi.auth.tokens import get_signing_key
from airflow.configuration import conf
from fastapi import Request
from itsdangerous import BadData, URLSafeTimedSerializer

#: a form that was shown longer ago has to be read again
_VALID_SECONDS = 3600
#: more than any reason in the form; nothing beyond is read
_MOST_BYTES = 64 * 1024
_FORM = "application/x-www-form-urlencoded"


class OrderRefused(Exception):
    """A form that is not obeyed. Nothing was changed."""

    def __init__(self, status: int, title: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.title, self.sentence = status, title, sentence


async def sent_form(request: Request) -> dict[str, str]:
    """The fields of a form that this site's own page sent.

    A browser adds its login cookie to a request that another site makes it send. It also says where the request comes from,
    and no page can forge that: `Sec-Fetch-Site`, and `Origin`, compared with the address that was asked.

    Raises OrderRefused for a form from another site, from nowhere, of another type, or too long.
    """
    _require_same_origin(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise OrderRefused(415, "This is not the board's form", f"Allowed: {_FORM}.")
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > _MOST_BYTES:
            raise OrderRefused(413, "The form is too long", f"Allowed: {_MOST_BYTES} bytes.")
    try:
        fields = parse_qs(content.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise OrderRefused(400, "This is not the board's form", "It can't be read. Load the page again.") from None
    return {name: values[0] for name, values in fields.items()}


def form_token(person: str, order: str, about: str) -> str:
    """What a form carries: for whom it was shown, what it orders, and about what."""
    return str(_signer().dumps([person, order, about]))


def require_token(token: str, person: str, order: str, about: str) -> None:
    """Raise OrderRefused unless the token was made for this person, order and state within the hour."""
    try:
        found = _signer().loads(token, max_age=_VALID_SECONDS)
    except BadData:
        found = None
    if found != [person, order, about]:
        raise OrderRefused(
            403,
            "The form is not valid any more",
            "It is older than an hour, was shown to someone else, or the guard was stopped or released since. Nothing was done. "
            "Load the page again and read what it says now.",
        )


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(get_signing_key("api", "secret_key"), salt="ledger_guard_board order")


def _require_same_origin(request: Request) -> None:
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_foreign = site not in (None, "same-origin") or (origin is not None and not _is_own(origin, request))
    if is_foreign or (site is None and origin is None):
        raise OrderRefused(
            403,
            "This form was not sent by the board",
            "Nothing was done. Open the board in Airflow and use its own page; your browser must say where a form comes from.",
        )


def _is_own(origin: str, request: Request) -> bool:
    """Whether an origin is the address that was asked, or the one that Airflow is configured with (behind a proxy)."""
    configured = urlsplit(conf.get("api", "base_url", fallback=""))
    asked = urlsplit(origin)
    if asked.scheme not in ("http", "https"):
        return False
    is_configured = (asked.scheme, asked.netloc) == (configured.scheme, configured.netloc)
    return asked.netloc != "" and (asked.netloc == request.headers.get("host") or is_configured)
