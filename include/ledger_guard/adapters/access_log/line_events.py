"""From a line's fields to an access event: checks, tenant, and omitted parts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from ledger_guard.adapters.access_log.line_fields import LineFields, UnusableLine, read_moment
from ledger_guard.domain.access_events import MOST_UNKNOWN_TENANTS, AccessEvent, NamedTenants
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.domain.money import exact_cents
from ledger_guard.domain.windows import iso
from ledger_guard.policy.platform import AccessLogMapping
from ledger_guard.policy.sources import AccessEvents

PATH_MAX_CHARACTERS = 2048
TEXT_MAX_CHARACTERS = 200
#: the longest way to write an IPv6 address
ADDRESS_MAX_CHARACTERS = 45
#: reading an IPv6 address takes as long as the rest of its line; most calls come from few
_REMEMBERED_ADDRESSES = 4096
#: how logs write "nothing here"; `unknown` is what the platform writes when a call names no tenant
_NOTHING = ("", "-", "unknown")
_METHOD = re.compile(r"[A-Z]{1,16}")
_TENANT_PREFIX = re.compile(r"/t/([^/]+)(/.*)")


class LineEvents:
    """Turns lines of one file into events."""

    def __init__(
        self,
        mapping: AccessLogMapping,
        tenant_id: str | None,
        now: datetime,
        webhooks: Sequence[AccessEvents],
        tenants: NamedTenants,
    ) -> None:
        """Read by `mapping`; `tenant_id`, when given, is the tenant of every line.

        `now` is the event clock's: a later event is refused. `webhooks` are the policy's requests of payment providers: where
        their path is a prefix, it ends in the provider. `tenants` says which tenants this file may name.

        Raises:
            BadInputError: the tenant id is not allowed, or the mapping wants a constant tenant and names none.
        """
        self._mapping = mapping
        self._now = now
        self._webhooks = webhooks
        self._tenants = tenants
        self._constant = tenant_id if tenant_id is not None else mapping.tenant_constant
        self._tenant_from = "constant" if tenant_id is not None else mapping.tenant_from
        if self._tenant_from == "constant":
            if self._constant is None:
                raise BadInputError("tenant: the mapping has tenant_from: constant but no tenant; allowed: --tenant T")
            self._constant = checked_tenant_id(self._constant)

    def event(self, fields: LineFields, line_key: str) -> AccessEvent:
        """The event of a line; `line_key` identifies the line when it has no request id.

        Raises:
            UnusableLine: a field is not what it has to be, the tenant can't be made out or is one too many, or the event lies
                in the future.
        """
        moment = read_moment(fields.event_time, assume_utc=self._mapping.assume_utc)
        if moment > self._now:
            raise UnusableLine(f"event time {iso(moment)} is in the future: it is now {iso(self._now)}")
        method = str(fields.method).upper()
        if not _METHOD.fullmatch(method):
            raise UnusableLine(f"method {method[:20]!r} is not a method; allowed: letters such as GET or POST")
        path = _path(fields.path)
        tenant_id, path = self._tenant(fields.tenant, path)
        if self._tenant_from != "constant" and not self._tenants.admits(tenant_id):
            raise UnusableLine(f"names more than {MOST_UNKNOWN_TENANTS} tenants that the platform does not have")
        return AccessEvent(
            event_key=_text(fields.request_id, "request id") or line_key,
            event_time=moment,
            tenant_id=tenant_id,
            subject_id=_text(fields.subject_id, "subject id"),
            method=method,
            path=path,
            provider=_text(fields.provider, "provider") or self._provider(method, path),
            status=_status(fields.status),
            error_code=_text(fields.error_code, "error code"),
            error_code_is_known=fields.error_code_is_known,
            # anything else is dropped, but the request is kept
            amount_cents=exact_cents(fields.amount),
            source_address=self._sender(method, path, fields.source_address),
        )

    def _tenant(self, found: object, path: str) -> tuple[str, str]:
        """Tenant and the path that is left once the tenant is taken out of it."""
        if self._tenant_from == "constant":
            assert self._constant is not None, "checked when this was made"
            return self._constant, path
        if self._tenant_from == "path_prefix":
            parts = _TENANT_PREFIX.fullmatch(path)
            if parts is None:
                raise UnusableLine("tenant is not known: the path does not begin with /t/<tenant>/")
            return _tenant_id(parts[1]), parts[2]
        name = _text(found, "tenant")
        if name is None:
            where = "no virtual host" if self._tenant_from == "virtual_host" else "no tenant"
            raise UnusableLine(f"tenant is not known: the line has {where}")
        return _tenant_id(_first_label(name) if self._tenant_from == "virtual_host" else name), path

    def _provider(self, method: str, path: str) -> str | None:
        for shape in self._webhooks:
            if shape.path_is_prefix and shape.covers(method, path):
                return path[len(shape.path) :].split("/", maxsplit=1)[0][:TEXT_MAX_CHARACTERS] or None
        return None

    def _sender(self, method: str, path: str, found: object) -> str | None:
        """Where a webhook call came from; of no other request is that kept, for players have a right not to be tracked."""
        if self._mapping.source_address is None or not any(shape.covers(method, path) for shape in self._webhooks):
            return None
        return _address(found)


def _address(found: object) -> str | None:
    """An IPv4 or IPv6 address in canonical form; anything else is dropped, but the request is kept."""
    if not isinstance(found, str) or len(found.strip()) > ADDRESS_MAX_CHARACTERS:
        return None
    return _as_usual(found.strip())


@lru_cache(maxsize=_REMEMBERED_ADDRESSES)
def _as_usual(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.scope_id is not None:
        return None
    return str(address.ipv4_mapped or address)


def _tenant_id(name: str) -> str:
    try:
        return checked_tenant_id(name)
    except BadInputError as error:
        raise UnusableLine(str(error)) from error


def _first_label(host: str) -> str:
    name = host.rsplit(":", 1)[0] if ":" in host else host
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.split(".")[0]
    raise UnusableLine(f"tenant is not known: the virtual host {name!r} is an address")


def _path(found: object) -> str:
    path = re.split(r"[?#;]", str(found), maxsplit=1)[0]
    if not path.startswith("/"):
        raise UnusableLine("path does not begin with '/'")
    if len(path) > PATH_MAX_CHARACTERS:
        raise UnusableLine(f"path has {len(path)} characters; allowed: {PATH_MAX_CHARACTERS}")
    if not path.isprintable():
        raise UnusableLine("path has control characters")
    return path


def _status(found: object) -> int:
    number = int(found) if isinstance(found, str) and re.fullmatch(r"\d{3}", found, re.ASCII) else found
    if not isinstance(number, int) or isinstance(number, bool) or not 100 <= number <= 599:
        raise UnusableLine(f"status {str(found)[:20]!r} is not a status; allowed: 100 to 599")
    return number


def _text(found: object, what: str) -> str | None:
    """A text or number as text; None for the ways in which logs say "nothing"."""
    if found is None:
        return None
    if not isinstance(found, (str, int)) or isinstance(found, bool):
        raise UnusableLine(f"{what} is a {type(found).__name__}; allowed: a text")
    text = str(found).strip()
    if text.lower() in _NOTHING:
        return None
    if len(text) > TEXT_MAX_CHARACTERS or not text.isprintable():
        raise UnusableLine(f"{what} is longer than {TEXT_MAX_CHARACTERS} characters or has control characters")
    return text
