"""`ingest access-log --follow`: one look after the other, until a signal asks for the end."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import click

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.facts.codec import json_form
from ledger_guard.domain.windows import iso
from ledger_guard.use_cases.ingest.follow_access_log import Follower
from ledger_guard.use_cases.ingest.followed_looks import Completeness, Look

COMPLETE_AFTER_SECONDS = 60
_PAUSE_SECONDS = 1.0
#: after a look for which guard state did not answer
_LONGER_PAUSE_SECONDS = 10.0
_ENDING = (signal.SIGTERM, signal.SIGINT)
#: the exit code of one look that left something out
_NOT_ALL = 1


def bounds(complete_after: int | None, idle_complete_after: int | None) -> Completeness:
    """The options as one."""
    behind = COMPLETE_AFTER_SECONDS if complete_after is None else complete_after
    return Completeness(
        timedelta(seconds=behind), None if idle_complete_after is None else timedelta(seconds=idle_complete_after)
    )


def follow(follower: Follower, *, once: bool, as_json: bool) -> int:
    """Look once, or until SIGTERM or SIGINT; returns the exit code. A look that is under way ends with its batch."""
    told: set[str] = set()
    since_report = Look()
    with _held_signals() as (asked_to_end, pause):
        while True:
            seconds = _PAUSE_SECONDS
            try:
                look = follower.look(is_last=once, stopped=asked_to_end)
            except SourceUnavailable as error:
                if once:
                    raise
                seconds = _LONGER_PAUSE_SECONDS
                _tell([f"{error}; tried again"], told)
            else:
                _tell([*look.lost, *look.held], told)
                told.intersection_update([*look.lost, *look.held])
                since_report = _together(since_report, look)
                if look.complete_through or once:
                    _report(since_report, as_json=as_json)
                    since_report = Look()
            if once or pause(seconds):
                break
        follower.end()
        if not once:
            _report(since_report, as_json=as_json)
    return _NOT_ALL if once and (look.lost or look.held) else 0


@contextmanager
def _held_signals() -> Iterator[tuple[Callable[[], bool], Callable[[float], bool]]]:
    """Signals that ask for the end wait until they are looked for: no batch is cut by them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    asked = False

    def asked_to_end() -> bool:
        return asked or bool(signal.sigpending() & set(_ENDING))

    def pause(seconds: float) -> bool:
        nonlocal asked
        asked = asked or signal.sigtimedwait(_ENDING, seconds) is not None
        return asked

    try:
        yield asked_to_end, pause
    finally:
        while signal.sigtimedwait(_ENDING, 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _tell(sentences: list[str], told: set[str]) -> None:
    """Say on the standard error what was not said at the look before."""
    for sentence in dict.fromkeys(sentences):
        if sentence not in told:
            click.echo(sentence, err=True)
    told.update(sentences)


def _together(before: Look, look: Look) -> Look:
    return Look(
        before.accepted + look.accepted,
        before.already_known + look.already_known,
        before.rejected + look.rejected,
        look.held,
        [*before.lost, *look.lost],
        look.complete_through,
    )


def _report(look: Look, *, as_json: bool) -> None:
    if as_json:
        counts = {"accepted": look.accepted, "already_known": look.already_known, "rejected": look.rejected}
        found = {**counts, **json_form(look, "complete_through"), "held": look.held, "lost": look.lost}
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    through = f"; the source is complete through {iso(look.complete_through)}" if look.complete_through else ""
    click.echo(f"{look.accepted} accepted, {look.already_known} already known, {look.rejected} rejected{through}")
