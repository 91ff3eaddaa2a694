"""Access events as the ingress would have delivered them, written straight into guard state."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import psycopg
from typing_extensions import LiteralString

_COPY: LiteralString = """
    copy ledger_guard.access_event
        (event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, amount_cents,
        source_address)
    from stdin
"""
_ADVANCE: LiteralString = """
    insert into ledger_guard.source_watermark (source, complete_through, updated_at)
    values ('access_event', %(complete_through)s, now())
    on conflict (source) do update
    set complete_through = greatest(source_watermark.complete_through, excluded.complete_through), updated_at = now()
"""
_WATERMARK: LiteralString = "select complete_through from ledger_guard.source_watermark where source = 'access_event'"


class AccessEvent(NamedTuple):
    """One row of `ledger_guard.access_event`, in the order of the copy."""

    event_key: str
    #: UTC text that Postgres reads as timestamptz
    event_time: str
    tenant_id: str
    subject_id: str
    method: str
    path: str
    provider: str | None
    status: int
    error_code: str | None
    #: what a withdrawal asked for
    amount_cents: int | None = None
    #: where a webhook call came from
    source_address: str | None = None


def complete_through(connection: psycopg.Connection) -> datetime | None:
    """Event time up to which everything was delivered; None when nothing ever was."""
    row = connection.execute(_WATERMARK).fetchone()
    return row[0] if row else None


def deliver(connection: psycopg.Connection, events: Iterable[AccessEvent], through: datetime) -> int:
    """Store events and promise that all before `through` are there; returns how many. The caller commits."""
    count = 0
    with connection.cursor().copy(_COPY) as copy:
        for event in events:
            copy.write_row(event)
            count += 1
    connection.execute(_ADVANCE, {"complete_through": through})
    return count
