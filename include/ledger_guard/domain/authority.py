"""By whose right a person answers: their own, or that of approvers who delegated to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.delegations import Delegation
from ledger_guard.domain.identities import bare, others_than, same_person
from ledger_guard.domain.people import People
from ledger_guard.domain.windows import iso


@dataclass(frozen=True)
class Authority:
    """Who may answer a question that was asked at one time and can be answered until another one."""

    people: People
    #: those that count now
    delegations: tuple[Delegation, ...]
    #: requester and maker of the plan: neither their answer counts, nor one instead of them
    excluded: tuple[str, ...]

    def rights(self, person: str, asked_at: datetime, answered_at: datetime) -> tuple[str, ...]:
        """By whose right this person answered; empty when they have none.

        Their own right counts alone. Turns: when it was asked, or when it was answered. A delegation holds at both times.
        """
        return self._rights(person, self.people.at(asked_at, answered_at), asked_at, answered_at)

    def candidates(self, asked_at: datetime, expires_at: datetime, agreed: str | None = None) -> tuple[str, ...]:
        """Who may be let in to answer, those first whose turn it is; `agreed` gave the first of two approvals."""
        own = self.people.during(asked_at, expires_at)
        deputies = (each.to for each in self.delegations)
        able = [name for name in others_than((*own, *deputies), *self.excluded) if self._rights(name, own, asked_at, asked_at)]
        if agreed is not None:
            # their turn may have ended since they answered
            first = self._rights(agreed, own, asked_at, asked_at) or (agreed,)
            others = others_than(able, agreed)
            able = [name for name in others if are_two_people(first, self._rights(name, own, asked_at, asked_at))]
        return self.people.first_asked(asked_at, able)

    def in_words(self, asked_at: datetime, expires_at: datetime) -> tuple[str, ...]:
        """For people: who may answer, whose turn it is, and who answers instead of whom."""
        on_turn = {person: group for group, person in self.people.on_turn(asked_at)}
        words = []
        for name in self.candidates(asked_at, expires_at):
            said = ""
            if name in on_turn:
                group = on_turn[name]
                said = f" ({group.name}, on turn until {iso(group.turn_ends(asked_at) or asked_at)})"
            elif name not in self.people.everyone:
                said = f" (instead of {', '.join(self._rights(name, self.people.everyone, asked_at, asked_at))})"
            words.append(f"{name}{said}")
        return tuple(words)

    def different_people(self, asked_at: datetime, expires_at: datetime) -> tuple[str, ...]:
        """Whose rights can be used: a person and their deputy count once."""
        return tuple(others_than(self.people.during(asked_at, expires_at), *self.excluded))

    def instead_of(self, person: str) -> tuple[str, ...]:
        """Whom this person is to answer for."""
        return tuple(each.by for each in self.delegations if each.to == person)

    def _rights(self, person: str, own: Iterable[str], asked_at: datetime, answered_at: datetime) -> tuple[str, ...]:
        if person in own:
            return (person,)
        given = [each.by for each in self.delegations if each.to == person and each.covers(asked_at, answered_at)]
        return tuple(others_than([each for each in given if each in own], *self.excluded))


def excluded(*people: str | None) -> tuple[str, ...]:
    """Those of these people who are known, also where their name was only stated."""
    return tuple(name for person in people if (name := bare(person)))


def are_two_people(first: Iterable[str], second: Iterable[str]) -> bool:
    """Whether two answers can stand for two different people's rights."""
    others = tuple(second)
    return any(not same_person(one, other) for one in first for other in others)
