"""Rules for groups in a policy; one function per rule."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations

from ledger_guard.domain.identities import same_person
from ledger_guard.domain.people import GROUP_PREFIX
from ledger_guard.policy.schema import Policy
from ledger_guard.policy.words import PLACEHOLDER, Problem, is_name_of_a_login

#: not allowed in a list of people: everyone, and the guard itself
NOBODY = ("*", "ledger_guard")
_PEOPLE = "names of people as Airflow knows them"
_GROUP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def lists_of_people(policy: Policy) -> Mapping[str, tuple[str, ...]]:
    """The entries of every list that names people, by its place in the file."""
    approvers = {f"approvals.{kind.value}.approvers": each.approvers for kind, each in policy.approvals.items()}
    approvers["drill.approvers"] = policy.drill.approvers
    return {**approvers, "break_glass.users": policy.break_glass.users, "freeze.override_by": policy.freeze.override_by}


def _groups_have_members_who_are_people(policy: Policy) -> Iterator[Problem]:
    for name, group in policy.groups.items():
        place = f"groups.{name}"
        if not _GROUP_NAME.fullmatch(name) or PLACEHOLDER.search(name):
            yield place, f"{name!r} is not a group's name; allowed: letters, digits, '.', '_' and '-'"
        if group.role is not None:
            why = "a task can't ask Airflow's auth manager who has a role"
            yield f"{place}.role", f"{why}; allowed: members, by their user names"
        elif not group.members:
            yield f"{place}.members", f"the group is empty; allowed: {_PEOPLE}"
        for position, member in enumerate(group.members):
            at = f"{place}.members[{position}]"
            if member.startswith(GROUP_PREFIX) or member in policy.groups:
                yield at, f"{member!r} is a group, and a group has no groups in it; allowed: {_PEOPLE}"
            elif not is_name_of_a_login(member) or member in NOBODY:
                yield at, f"{member!r} is not a user name; allowed: {_PEOPLE}"
        for member, times in Counter(group.members).items():
            if times > 1:
                yield f"{place}.members", f"{member!r} is there {times} times; allowed: each name once"


def _a_rota_has_turns_of_members(policy: Policy) -> Iterator[Problem]:
    for name, group in policy.groups.items():
        if group.rota is None:
            continue
        place = f"groups.{name}.rota.turns"
        if not group.rota.turns:
            yield place, "there are none; allowed: one or more, or a group without a rota"
        for position, turns in enumerate(group.rota.turns):
            for other in dict.fromkeys(turns.order):
                if other not in group.members:
                    allowed = ", ".join(group.members) or "no one"
                    yield f"{place}[{position}].order", f"{other!r} is not a member; allowed: {allowed}"
        if len({turns.starts_at for turns in group.rota.turns}) < len(group.rota.turns):
            yield place, "two of them start at the same time; allowed: each at its own"


def _a_list_names_groups_that_there_are(policy: Policy) -> Iterator[Problem]:
    known = ", ".join(f"{GROUP_PREFIX}{name}" for name in policy.groups) or "names of people; there are no groups"
    for place, entries in lists_of_people(policy).items():
        for position, entry in enumerate(entries):
            if entry.startswith(GROUP_PREFIX) and entry.removeprefix(GROUP_PREFIX) not in policy.groups:
                yield f"{place}[{position}]", f"{entry!r} is unknown; allowed: {known}"
            elif entry in policy.groups:
                word = f"{GROUP_PREFIX}{entry}"
                yield f"{place}[{position}]", f"{entry!r} is a group and can't be a person's name too; allowed: {word!r}"


def _a_person_has_one_name_in_all_groups(policy: Policy) -> Iterator[Problem]:
    for one, other in combinations(policy.named_people, 2):
        in_groups = [name for name, group in policy.groups.items() if {one, other} & {*group.members}]
        if in_groups and same_person(one, other):
            yield (
                f"groups.{in_groups[0]}.members",
                f"{one!r} and {other!r} may be one person: only case, accents or blanks differ; allowed: one of them",
            )


RULES_OF_GROUPS = (
    _groups_have_members_who_are_people,
    _a_rota_has_turns_of_members,
    _a_list_names_groups_that_there_are,
    _a_person_has_one_name_in_all_groups,
)
