"""From a line's fields to an access event: checks, tenant, and omitted parts."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from ledger_guard.adapters.access_log.line_fields import LineFields, UnusableLine, read_moment
from ledger_guard.domain.access_events import AHEAD, MOST_UNKNOWN_TENANTS, AccessEvent, NamedTenants
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.domain.money import exact_cents
from ledger_guard.domain.windows import UTC, iso
from ledger_guard.policy.platform import AccessLogMapping
from ledger_guard.policy.sources import AccessEvents

PATH_MAX_CHARACTERS = 2048
TEXT_MAX_CHARACTERS = 200
#: the longest way to write an IPv6 address
ADDRESS_MAX_CHARACTERS = 45
#: reading an IPv6 address takes as long as the rest of its line; most calls come from few
_REMEMBERED_ADDRESSES = 4096
#: how logs write "nothing here"; `unknown` is what the platform writes when a call names no tenant
_NOTHING = ("", "-", "unknown", "null", "undefined")
_METHOD = re.compile(r"[A-Z]{1,16}")
_STATUS = re.compile(r"(\d{3})(?:\.0+)?", re.ASCII)
_TENANT_PREFIX = re.compile(r"/t/([^/]+)(/.*)")
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class LineEvents:
    """Turns lines of one file into events."""

    def __init__(
        self,
        mapping: AccessLogMapping,
        tenant_id: str | None,
        now: datetime,
        requests: Sequence[AccessEvents],
        tenants: NamedTenants,
        skew: timedelta = timedelta(0),
    ) -> None:
        """Read by `mapping`; `tenant_id`, when given, is the tenant of every line.

        `now` is the event clock's: an event that is later by more than `skew` is refused. `requests` are those of the policy's
        triggers; where the path of a payment provider's is a prefix, it ends in the provider. `tenants` says which tenants this
        file may name.

        Raises:
            BadInputError: the tenant id is not allowed, or the mapping wants a constant tenant and names none.
        """
        self._mapping = mapping
        self._now, self._skew = now, skew
        # a longer path first: it says more of a line
        self._paths = sorted({shape.path for shape in requests}, key=lambda path: (-len(path), path))
        self._webhooks = [shape for shape in requests if shape.subject == "webhook"]
        self._tenants = tenants
        self._constant = tenant_id if tenant_id is not None else mapping.tenant_constant
        self._tenant_from = "constant" if tenant_id is not None else mapping.tenant_from
        if self._tenant_from == "constant":
            if self._constant is None:
                raise BadInputError("tenant: the mapping has tenant_from: constant but no tenant; allowed: --tenant T")
            self._constant = checked_tenant_id(self._constant)

    def as_of(self, now: datetime) -> None:
        """Refuse events later than `now` from here on."""
        self._now = now

    def event(self, fields: LineFields, line_key: str) -> AccessEvent:
        """The event of a line; `line_key` identifies the line when it has no request id.

        Raises:
            UnusableLine: a field is not what it has to be, the tenant can't be made out or is one too many, or the event lies
                in the future.
        """
        moment = read_moment(fields.event_time, assume_utc=self._mapping.assume_utc)
        if moment - self._now > self._skew:
            raise UnusableLine(f"event time {iso(moment)} {AHEAD}: it is now {iso(self._now)}")
        try:
            return self._event_at(moment, fields, line_key)
        except UnusableLine as reason:
            reason.moment = moment
            raise

    def hidden_path(self, line: str) -> str | None:
        """The path of a trigger's requests that a line names which can't be read; None: it names none."""
        plain = line.replace("\\/", "/")
        return next((path for path in self._paths if path in plain), None)

    def _event_at(self, moment: datetime, fields: LineFields, line_key: str) -> AccessEvent:
        method = str(fields.method).upper()
        if not _METHOD.fullmatch(method):
            raise UnusableLine(f"method {method[:20]!r} is not a method; allowed: letters such as GET or POST")
        tenant_id, path = self._tenant(fields.tenant, _path(fields.path))
        if self._tenant_from != "constant" and not self._tenants.admits(tenant_id):
            raise UnusableLine(f"names more than {MOST_UNKNOWN_TENANTS} tenants that the platform does not have", may_hide=False)
        status = _status(fields.status)
        error_code, is_text = _text(fields.error_code)
        request_id, _ = _text(fields.request_id)
        return AccessEvent(
            event_key=_key(request_id, moment, tenant_id, method, path, status) if request_id else line_key,
            event_time=moment,
            tenant_id=tenant_id,
            subject_id=_text(fields.subject_id)[0],
            method=method,
            path=path,
            provider=_text(fields.provider)[0] or self._provider(method, path),
            status=status,
            error_code=error_code,
            error_code_is_known=fields.error_code_is_known and is_text,
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
        name, is_text = _text(found)
        if not is_text and isinstance(found, str):
            what = f"tenant is longer than {TEXT_MAX_CHARACTERS} characters or has control characters"
            raise UnusableLine(what, may_hide=False)
        if not is_text:
            raise UnusableLine(f"tenant is a {type(found).__name__}; allowed: a text")
        if name is None:
            where = "no virtual host" if self._tenant_from == "virtual_host" else "no tenant"
            # a caller that names none does so in a word; where the field is missing, the log lacks it
            raise UnusableLine(f"tenant is not known: the line has {where}", may_hide=found is None)
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
    if name.lower() in _NOTHING:
        raise UnusableLine(f"tenant is not known: {name!r} names none", may_hide=False)
    try:
        return checked_tenant_id(name)
    except BadInputError as error:
        raise UnusableLine(str(error), may_hide=False) from error


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
        raise UnusableLine(f"path has {len(path)} characters; allowed: {PATH_MAX_CHARACTERS}", may_hide=False)
    if not path.isprintable():
        raise UnusableLine("path has control characters", may_hide=False)
    return path


def _status(found: object) -> int:
    """A status as number or text; some logs write each number with a fraction (`200.0`)."""
    parts = _STATUS.fullmatch(str(found)) if isinstance(found, (str, int, float)) and not isinstance(found, bool) else None
    if parts is None or not 100 <= int(parts[1]) <= 599:
        raise UnusableLine(f"status {str(found)[:20]!r} is not a status; allowed: 100 to 599")
    return int(parts[1])


def _key(request_id: str, moment: datetime, tenant_id: str, method: str, path: str, status: int) -> str:
    """What identifies an answered request: the id alone may be a client's, which sends it again with each attempt.

    Migration 0016 gave the events stored before it the same keys.
    """
    parts = (request_id, (moment - _EPOCH_START) // _MICROSECOND, tenant_id, method, path, status)
    return "request:" + hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _text(found: object) -> tuple[str | None, bool]:
    """A text or number as text, None for the ways in which logs say "nothing"; and whether it was such a thing.

    What is not, or is too long, is dropped: a header that a client chose must not take its request out of the readings.
    """
    if found is None:
        return None, True
    if not isinstance(found, (str, int)) or isinstance(found, bool):
        return None, False
    text = str(found).strip()
    if text.lower() in _NOTHING:
        return None, True
    is_usable = len(text) <= TEXT_MAX_CHARACTERS and text.isprintable()
    return (text if is_usable else None), is_usable
