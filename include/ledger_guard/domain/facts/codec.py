"""Between a fact and the detail of its audit entry, which is JSON: marks cover that text, so its shape never changes.

A key that only some entries have (added later, or told in some cases alone) is `Later`: absent where there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache, partial
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, PlainSerializer, PlainValidator, TypeAdapter, ValidationError

from ledger_guard.domain.audit import AuditEntry, AuditEvent
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.windows import Window, iso

T = TypeVar("T")


def _is_untold(value: object) -> bool:
    return value is None


#: absent in the JSON where it is None
Later = Annotated[T | None, Field(exclude_if=_is_untold)]
#: UTC to the second, with a Z
Seconds = Annotated[AwareDatetime, PlainSerializer(iso)]
#: to the microsecond, with its offset
Moment = Annotated[AwareDatetime, PlainSerializer(datetime.isoformat)]
#: a figure, to three digits
Rounded = Annotated[float, PlainSerializer(partial(round, ndigits=3))]
#: the word of a trigger
TriggerWord = Annotated[Trigger, PlainValidator(Trigger), PlainSerializer(str)]


def _incident_id(text: str) -> str:
    return checked_uuid(text, "incident")


#: an incident's id in its canonical spelling
IncidentId = Annotated[str, AfterValidator(_incident_id)]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that the audit log records. Subclasses have the keys of the entry's detail as fields."""

    #: verbs of the entries that tell it; the first one where a caller names none
    verbs: ClassVar[tuple[str, ...]]


SomeFact = TypeVar("SomeFact", bound=Fact)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Built when it is needed first: a process needs few of them."""
    return TypeAdapter(kind)


def json_of(value: object) -> dict[str, Any]:
    """A dataclass as plain JSON."""
    kind: Any = type(value)
    found: dict[str, Any] = _adapter(kind).dump_python(value, mode="json")
    return found


def json_form(content: Any, *names: str) -> Any:
    """What `--json` prints of domain values, or of these attributes of one.

    Dataclasses by field, enum members by their word, times as UTC text to the second, windows by start and end, sets in order.
    """
    if names:
        return {name: json_form(getattr(content, name)) for name in names}
    if isinstance(content, Mapping):
        return {str(key): json_form(each) for key, each in content.items()}
    if isinstance(content, set | frozenset):
        return sorted(json_form(each) for each in content)
    if isinstance(content, list | tuple):
        return [json_form(each) for each in content]
    if is_dataclass(content):
        return json_form(content, *(("start", "end") if isinstance(content, Window) else (each.name for each in fields(content))))
    return content.value if isinstance(content, Enum) else iso(content) if isinstance(content, datetime) else content


def recorded(
    fact: Fact,
    *,
    actor: str,
    subject: str,
    at: datetime,
    incident_id: str | None = None,
    tenant_id: str | None = None,
    verb: str | None = None,
) -> AuditEvent:
    """The event that tells the fact; `verb` None: its first one. Raises ValueError for a verb that does not tell it."""
    chosen = fact.verbs[0] if verb is None else verb
    if chosen not in fact.verbs:
        raise ValueError(f"{type(fact).__name__} is not told by {chosen!r}; allowed: {', '.join(fact.verbs)}")
    return AuditEvent(chosen, actor, subject, json_of(fact), at, incident_id, tenant_id)


def told(event: AuditEvent, kind: type[SomeFact]) -> SomeFact | None:
    """The fact of this kind that an event tells; None when it tells something else, or nothing that can be read.

    Keys that the kind does not have are left out: an entry of a later version may have more.
    """
    return parsed(event.detail, kind) if event.verb in kind.verbs else None


def parsed(detail: Mapping[str, Any], kind: type[T]) -> T | None:
    """JSON as a dataclass; None when it is none of this kind."""
    chosen: Any = kind
    try:
        found: T = _adapter(chosen).validate_python(detail)
    except ValidationError:
        return None
    return found


def from_json(found: Mapping[str, Any], kind: type[T]) -> T:
    """JSON that another task left, as the dataclass it was. Raises BadInputError, naming the first field that is wrong."""
    chosen: Any = kind
    try:
        value: T = _adapter(chosen).validate_python(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(each) for each in first["loc"])
        wrong = f"has no field {field!r}" if first["type"] == "missing" else f"{field}: {first['msg']}"
        raise BadInputError(f"{kind.__name__}: {wrong}; allowed: what another task left") from error
    return value


def told_for_certain(entry: AuditEntry, kind: type[SomeFact]) -> SomeFact:
    """As `told`, where going on without it would be unsafe. Raises LedgerInvariantError when the entry tells no such fact."""
    fact = told(entry.event, kind)
    if fact is None:
        raise LedgerInvariantError(
            f"audit entry {entry.sequence} ({entry.event.verb}) can't be read: its detail is not what this version records; "
            "stop and find out who wrote it"
        )
    return fact
