"""Pagers that only carry a message: e-mail, whatever Apprise knows, and a mention in Slack.

They know no state: that something was taken or is over is one more message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from ledger_guard.adapters.pagers.bounded_call import bounded
from ledger_guard.domain.errors import NotificationFailed, PagingFailed
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.wake import Matter
from ledger_guard.ports.people import Notifier

SUBJECT_CHARACTERS = 200
BODY_CHARACTERS = 20_000
#: recipients, subject and body in HTML
SendMail = Callable[[Sequence[str], str, str], Any]
#: title and body as text; whether it was delivered
Deliver = Callable[[str, str], bool]


class EmailPager:
    """Mail to these addresses; a matter's mails have its key in their subject, so that they stay together."""

    def __init__(self, send: SendMail, to: Sequence[str]) -> None:
        self._send = send
        self._to = tuple(to)

    def open(self, matter: Matter, *, again: bool) -> None:
        """See Pager."""
        links = "".join(f"<li>{_linked(label, address)}</li>" for label, address in matter.links)
        anew = f"{matter.anew} " if again else ""
        self._mail(matter.key, matter.title, f"<p>{escape(anew + matter.text)}</p><ul>{links}</ul>")

    def acknowledge(self, matter: Matter, by: str) -> None:
        """See Pager."""
        self._mail(matter.key, matter.title, f"<p>{escape(by)} has taken it.</p>")

    def end(self, key: str, title: str, why: str) -> None:
        """See Pager."""
        self._mail(key, title, f"<p>{escape(why)}</p>")

    def _mail(self, key: str, title: str, body: str) -> None:
        subject = f"{one_line(title)[:SUBJECT_CHARACTERS]} [{one_line(key)[:100]}]"
        bounded("e-mail", lambda: self._send(self._to, subject, body[:BODY_CHARACTERS]))


def _linked(label: str, address: str) -> str:
    if not address.startswith(("http://", "https://")):
        return f"{escape(label)}: {escape(address)}"
    return f'<a href="{escape(address, quote=True)}">{escape(label)}</a>'


class ApprisePager:
    """One address of Apprise."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def open(self, matter: Matter, *, again: bool) -> None:
        """See Pager."""
        links = "\n".join(f"{label}: {address}" for label, address in matter.links)
        anew = f"{matter.anew} " if again else ""
        self._message(matter.title, f"{anew}{matter.text}\n{links}")

    def acknowledge(self, matter: Matter, by: str) -> None:
        """See Pager."""
        self._message(matter.title, f"{by} has taken it.")

    def end(self, key: str, title: str, why: str) -> None:
        """See Pager."""
        self._message(title, f"{why} ({key})")

    def _message(self, title: str, body: str) -> None:
        def deliver() -> None:
            if not self._deliver(one_line(title)[:SUBJECT_CHARACTERS], body[:BODY_CHARACTERS]):
                raise PagingFailed("the service behind Apprise did not take the message")

        bounded("Apprise", deliver)


class SlackPager:
    """A mention in a channel; that it was taken or is over mentions no one."""

    def __init__(self, notifier: Notifier, mention: str) -> None:
        self._notifier = notifier
        self._mention = mention

    def open(self, matter: Matter, *, again: bool) -> None:
        """See Pager."""
        anew = f"{matter.anew} " if again else ""
        self._post(Notice(matter.title, anew + matter.text, links=matter.links, mention=self._mention))

    def acknowledge(self, matter: Matter, by: str) -> None:
        """See Pager."""
        self._post(Notice(matter.title, f"{by} has taken it."))

    def end(self, key: str, title: str, why: str) -> None:
        """See Pager."""
        self._post(Notice(title, f"{why} ({key})"))

    def _post(self, notice: Notice) -> None:
        def post() -> None:
            try:
                self._notifier.post(notice, None)
            except NotificationFailed as error:
                raise PagingFailed(str(error)) from None

        bounded("Slack", post)
