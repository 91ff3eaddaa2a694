"""Policy sections about people: groups whose members may take turns, and how long an approver may delegate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from pydantic import AwareDatetime, Field

from ledger_guard.domain.people import GROUP_PREFIX, Group, People, Turns
from ledger_guard.domain.windows import UTC
from ledger_guard.policy.section import Section


class TurnsSection(Section):
    """Turns of one length. They hold until the next entry's start."""

    #: when the first turn begins, with its offset, such as "2026-03-02T08:00:00Z"
    starts_at: AwareDatetime
    #: length of a turn: 168 for a week, 12 for a shift
    hours: int = Field(ge=1, le=24 * 366)
    #: members in the order of their turns, again and again; one may have several
    order: tuple[str, ...] = Field(min_length=1)


class Rota(Section):
    """Who of a group is asked first, and when."""

    #: true: only the one whose turn it is may answer; false: all members may
    rota_only: bool
    turns: tuple[TurnsSection, ...]


class GroupSection(Section):
    """A group that `approvers`, `break_glass.users` and `freeze.override_by` may name as `group:NAME`."""

    #: user names; never another group
    members: tuple[str, ...] = ()
    rota: Rota | None = None
    #: refused: no task can ask the auth manager who has a role
    role: str | None = None


class DelegationRules(Section):
    """How an approver may let another person answer instead of them."""

    #: the longest time; 0: no one may delegate
    most_hours: int = Field(0, ge=0, le=24 * 31)


def people_of(groups: Mapping[str, GroupSection], entries: Iterable[str]) -> People:
    """Everyone whom these entries name; a group that the policy does not have is no one."""
    listed = tuple(entries)
    names = [entry for entry in listed if not entry.startswith(GROUP_PREFIX)]
    wanted = [entry.removeprefix(GROUP_PREFIX) for entry in listed if entry.startswith(GROUP_PREFIX)]
    return People(tuple(names), tuple(_group(name, groups[name]) for name in wanted if name in groups))


def _group(name: str, section: GroupSection) -> Group:
    rota = section.rota
    if rota is None:
        return Group(name, section.members)
    turns = [Turns(each.starts_at.astimezone(UTC), timedelta(hours=each.hours), each.order) for each in rota.turns]
    return Group(name, section.members, tuple(sorted(turns, key=lambda each: each.starts_at)), rota.rota_only)
