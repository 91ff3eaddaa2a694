"""People that the policy names: one by one, or as a group whose members may take turns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

#: marks a group among names of people in the policy
GROUP_PREFIX = "group:"


@dataclass(frozen=True)
class Turns:
    """People who take turns of one length, the first from `starts_at` on, again and again."""

    starts_at: datetime
    length: timedelta
    order: tuple[str, ...]

    def whose(self, at: datetime) -> str:
        """Whose turn it is; a turn includes its start and not its end. `at` is not before `starts_at`."""
        return self.order[(at - self.starts_at) // self.length % len(self.order)]

    def ends(self, at: datetime) -> datetime:
        """When the turn of that moment ends."""
        return self.starts_at + ((at - self.starts_at) // self.length + 1) * self.length

    def between(self, start: datetime, end: datetime) -> Iterator[str]:
        """Whose turns lie at least partly between the two moments, both included; nobody twice."""
        first = (start - self.starts_at) // self.length
        turns = min((end - self.starts_at) // self.length - first + 1, len(self.order))
        return (self.order[(first + each) % len(self.order)] for each in range(turns))


@dataclass(frozen=True)
class Group:
    """A named group."""

    name: str
    members: tuple[str, ...]
    #: by their start; each holds until the next one starts
    turns: tuple[Turns, ...] = ()
    #: whether only the one whose turn it is may act for the group, or all members
    rota_only: bool = False

    def on_turn(self, at: datetime) -> str | None:
        """Whose turn it is; None before the first turn, and without a rota."""
        turns = self._turns(at)
        return turns.whose(at) if turns else None

    def turn_ends(self, at: datetime) -> datetime | None:
        """When the turn of that moment ends; None when it is nobody's."""
        turns = self._turns(at)
        if turns is None:
            return None
        return min([turns.ends(at), *(each.starts_at for each in self.turns if each.starts_at > at)])

    def at(self, moment: datetime) -> tuple[str, ...]:
        """Who may act for the group then, the one whose turn it is first."""
        return self.during(moment, moment)

    def during(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """Who may act for the group at some moment between the two, both included, by the order of turns."""
        on_turn = tuple(dict.fromkeys(self._on_turn_between(start, end)))
        return on_turn if self.rota_only else tuple(dict.fromkeys((*on_turn, *self.members)))

    def _turns(self, at: datetime) -> Turns | None:
        return next((each for each in reversed(self.turns) if each.starts_at <= at), None)

    def _on_turn_between(self, start: datetime, end: datetime) -> Iterator[str]:
        shortest = timedelta.resolution
        for turns, following in pairwise((*self.turns, None)):
            if turns is None:
                return
            until = end if following is None else min(end, following.starts_at - shortest)
            since = max(start, turns.starts_at)
            if since <= until:
                yield from turns.between(since, until)


@dataclass(frozen=True)
class People:
    """Everyone whom one list of the policy names."""

    names: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()

    @property
    def everyone(self) -> tuple[str, ...]:
        """All of them, whoever's turn it is."""
        return _each_once((self.names, *(group.members for group in self.groups)))

    def at(self, *moments: datetime) -> tuple[str, ...]:
        """Who may act at one of these moments at least."""
        return _each_once((self.names, *(group.at(moment) for group in self.groups for moment in moments)))

    def during(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """Who may act at some moment between the two."""
        return _each_once((self.names, *(group.during(start, end) for group in self.groups)))

    def on_turn(self, at: datetime) -> tuple[tuple[Group, str], ...]:
        """By group, whose turn it is."""
        found = ((group, group.on_turn(at)) for group in self.groups)
        return tuple((group, person) for group, person in found if person is not None)

    def first_asked(self, at: datetime, names: Iterable[str]) -> tuple[str, ...]:
        """These names, those first whose turn it is."""
        first = {person for _, person in self.on_turn(at)}
        return tuple(sorted(names, key=lambda name: name not in first))


def entry_in_words(entry: str) -> str:
    """An entry of a list in the policy for people: `anna`, or `group oncall`."""
    return f"group {entry.removeprefix(GROUP_PREFIX)}" if entry.startswith(GROUP_PREFIX) else entry


def _each_once(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))
