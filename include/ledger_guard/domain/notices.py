"""Notices to people, independent of the channel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """One message to the operations channel."""

    #: begins with the verb and the trigger: `classify · <trigger> <name> · severe · isolated`
    title: str
    #: one or two sentences
    summary: str
    #: label and text pairs: tenants, players, values, baseline, window, proposal …
    facts: tuple[tuple[str, str], ...] = ()
    #: label and address pairs, the approval page first
    links: tuple[tuple[str, str], ...] = ()
    #: the incident whose thread it belongs to; None starts no thread
    incident_id: str | None = None
    #: shown in the channel as well as in the thread, where the channel can do both
    is_loud: bool = False
    #: whom it mentions, in the channel's own form, only from the policy; empty: no one
    mention: str = ""


@dataclass(frozen=True)
class ThreadRef:
    """Where a notice was posted, so that the next can be posted in its thread."""

    channel: str
    ts: str
