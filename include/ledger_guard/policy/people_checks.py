"""Rules for people in a policy: who may approve, act alone, or override a freeze; one function per rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from ledger_guard.domain.approvals import WRITES, ApprovalKind
from ledger_guard.domain.identities import same_person
from ledger_guard.domain.shown_text import counted
from ledger_guard.policy.group_checks import NOBODY, RULES_OF_GROUPS
from ledger_guard.policy.schema import Policy
from ledger_guard.policy.words import Problem, is_name_of_a_login


def _each_a_name_once(place: str, names: Sequence[str]) -> Iterator[Problem]:
    for position, name in enumerate(names):
        if not is_name_of_a_login(name):
            yield f"{place}[{position}]", f"{name!r} is not a user name; allowed: names of people as Airflow knows them"
    for name, times in Counter(names).items():
        if times > 1:
            yield place, f"{name!r} is there {times} times; allowed: each name once"


def _every_kind_of_approval_has_approvers(policy: Policy) -> Iterator[Problem]:
    for kind in WRITES:
        if kind not in policy.approvals:
            yield "approvals", f"{kind.value} is missing; allowed: {', '.join(k.value for k in WRITES)}, each of them"
    for kind, approval in policy.approvals.items():
        yield from _each_a_name_once(f"approvals.{kind.value}.approvers", approval.approvers)


def _enough_people_may_approve(policy: Policy) -> Iterator[Problem]:
    for kind, approval in policy.approvals.items():
        people = policy.approvers_of(kind)
        # of a group with `rota_only` one person at a time may answer
        able = (group.members[:1] if group.rota_only else group.members for group in people.groups)
        named = len({*people.names, *(name for each in able for name in each)})
        if approval.approvers_needed > 1 and named < 3:
            # if one of them asks, two must remain
            place = f"approvals.{kind.value}.approvers_needed"
            yield place, f"2 with {counted(named, 'approver', 'approvers')}; allowed: 2 with three approvers or more"


def _a_question_is_escalated_while_it_waits(policy: Policy) -> Iterator[Problem]:
    # the health check runs every 5 minutes, and a late source may delay it as long as sensing waits
    least = 5 + -(-policy.sensing.give_up_after_seconds // 60)
    for kind, approval in policy.approvals.items():
        given = approval.escalate_before_minutes
        if given is not None and not least <= given < approval.valid_minutes:
            place = f"approvals.{kind.value}.escalate_before_minutes"
            yield place, f"{given} is not between; allowed: {least} (a late health check) or more, less than valid_minutes"


def _the_glass_is_broken_by_named_people_only(policy: Policy) -> Iterator[Problem]:
    glass = policy.break_glass
    if bool(glass.users) != bool(glass.kinds):
        yield "break_glass", "has only users or only kinds; allowed: both, or neither (then no one may act alone)"
    for what, listed in (("users", glass.users), ("kinds", tuple(kind.value for kind in glass.kinds))):
        for position, name in enumerate(listed):
            if not is_name_of_a_login(name) or name in NOBODY:
                yield (
                    f"break_glass.users[{position}]",
                    f"{name!r} is not a user name; allowed: names of people as Airflow knows them",
                )
        for name, times in Counter(listed).items():
            if times > 1:
                yield f"break_glass.{what}", f"{name!r} is there {times} times; allowed: each once"
    if ApprovalKind.FLAG_RESTORE in glass.kinds:
        yield "break_glass.kinds", "flag_restore can wait for a second person; allowed: any other kind"
    for kind in glass.kinds:
        least = policy.approvals[kind].minimum_reason_characters if kind in policy.approvals else 0
        if glass.minimum_reason_characters < least:
            place, given = "break_glass.minimum_reason_characters", glass.minimum_reason_characters
            yield place, f"{given} is less than in approvals.{kind.value}; allowed: {least} or more"


def _a_drill_names_its_people_in_its_own_section(policy: Policy) -> Iterator[Problem]:
    if ApprovalKind.DRILL in policy.break_glass.kinds:
        yield "break_glass.kinds", "a drill writes nothing; allowed: any other kind"
    if ApprovalKind.DRILL in policy.approvals:
        yield "approvals.drill", "a drill permits no write; allowed: its approvers in drill.approvers"
    yield from _each_a_name_once("drill.approvers", policy.drill.approvers)


def _names_of_who_may_override_are_names(policy: Policy) -> Iterator[Problem]:
    yield from _each_a_name_once("freeze.override_by", policy.freeze.override_by)


def _a_list_of_people_names_people_each_by_one_name(policy: Policy) -> Iterator[Problem]:
    lists = {f"approvals.{kind.value}.approvers": approval.approvers for kind, approval in policy.approvals.items()}
    lists["drill.approvers"] = policy.drill.approvers
    for place, names in {**lists, "break_glass.users": policy.break_glass.users}.items():
        for one, other in combinations(dict.fromkeys(names), 2):
            if same_person(one, other):
                yield place, f"{one!r} and {other!r} may be one person: only case, accents or blanks differ; allowed: one of them"
    for place, names in {**lists, "freeze.override_by": policy.freeze.override_by}.items():
        for position, name in enumerate(names):
            if name in NOBODY:
                yield f"{place}[{position}]", f"{name!r} is not a person; allowed: names of people as Airflow knows them"


RULES_OF_PEOPLE = (
    *RULES_OF_GROUPS,
    _every_kind_of_approval_has_approvers,
    _enough_people_may_approve,
    _a_question_is_escalated_while_it_waits,
    _the_glass_is_broken_by_named_people_only,
    _a_drill_names_its_people_in_its_own_section,
    _names_of_who_may_override_are_names,
    _a_list_of_people_names_people_each_by_one_name,
)
