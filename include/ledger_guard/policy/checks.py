"""Rules for a policy beyond the shape of its sections: one function per rule."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.command_runner import BackfillWriter
from ledger_guard.policy.people_checks import RULES_OF_PEOPLE
from ledger_guard.policy.retention import retention_suffices
from ledger_guard.policy.schema import Policy
from ledger_guard.policy.sources import AccessEvents, BalanceComparison
from ledger_guard.policy.words import PLACEHOLDER, Problem

_FLAG_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def contradictions(policy: Policy) -> list[Problem]:
    """All problems of a well-formed policy, in the order of the rules; empty when there are none."""
    return [problem for rule in _RULES for problem in rule(policy)]


def _every_row_is_of_a_known_trigger(policy: Policy) -> Iterator[Problem]:
    known = ", ".join(policy.triggers)
    for position, row in enumerate(policy.matrix):
        if row.trigger not in policy.triggers:
            yield f"matrix[{position}].trigger", f"{row.trigger.value!r} is not in triggers; allowed: {known}"


def _every_trigger_names_a_known_flag_and_a_runbook(policy: Policy) -> Iterator[Problem]:
    for trigger, described in policy.triggers.items():
        if described.flag not in policy.flags:
            known = ", ".join(sorted(policy.flags)) or "none is defined"
            yield f"triggers.{trigger.value}.flag", f"{described.flag!r} is not in flags; allowed: {known}"
        if not described.runbook.strip():
            yield f"triggers.{trigger.value}.runbook", "is not an existing file; allowed: the path of this trigger's runbook"


def _every_case_is_decided_once(policy: Policy) -> Iterator[Problem]:
    for trigger in policy.triggers:
        for severity in (Severity.MILD, Severity.SEVERE):
            for scope in Scope:
                case = f"({trigger.value}, {severity.value}, {scope.value})"
                rows = [n for n, row in enumerate(policy.matrix) if row.answers(trigger, severity, scope)]
                if not rows:
                    yield "matrix", f"no row decides {case}; allowed: exactly one row for each case"
                for again in rows[1:]:
                    yield f"matrix[{again}]", f"decides {case}, as matrix[{rows[0]}] does; allowed: exactly one row for each case"


def _actions_fit_their_row(policy: Policy) -> Iterator[Problem]:
    for position, row in enumerate(policy.matrix):
        place = f"matrix[{position}].actions"
        for word, times in Counter(row.actions).items():
            if times > 1:
                yield place, f"{word} is there {times} times; allowed: each action once"
        for word in ("roll_back", "backfill"):
            if word in row.actions and row.severity is Severity.MILD:
                yield place, f"{word} in a mild row; allowed: {word} only where the severity is severe"


def _nothing_is_left_to_be_filled_in(policy: Policy) -> Iterator[Problem]:
    texts = [("rotation.owner", policy.rotation.owner), ("name", policy.name)]
    for position, row in enumerate(policy.matrix):
        texts += [(f"matrix[{position}].runbook_says", row.runbook_says), (f"matrix[{position}].owner", row.owner)]
    for place, text in texts:
        if PLACEHOLDER.search(text):
            yield place, f"{text[:40]!r} is a placeholder; allowed: the real text"


def _numbers_are_ordered(policy: Policy) -> Iterator[Problem]:
    sensing, rails = policy.sensing, policy.guardrails
    if sensing.give_up_after_seconds < sensing.allowed_lateness_seconds:
        given, least = sensing.give_up_after_seconds, sensing.allowed_lateness_seconds
        yield "sensing.give_up_after_seconds", f"{given} is less than allowed_lateness_seconds; allowed: {least} or more"
    if rails.max_single_delta_cents > rails.max_total_delta_cents:
        given, most = rails.max_single_delta_cents, rails.max_total_delta_cents
        yield "guardrails.max_single_delta_cents", f"{given} is more than max_total_delta_cents; allowed: {most} or less"
    thresholds = [("detection", policy.detection)]
    thresholds += [(f"triggers.{t.value}.detection", d.detection) for t, d in policy.triggers.items() if d.detection is not None]
    for place, detection in thresholds:
        if detection.sustained_minutes <= policy.window_minutes:
            given, window = detection.sustained_minutes, policy.window_minutes
            yield f"{place}.sustained_minutes", f"{given} is not longer than a window; allowed: more than {window}"


def _comparisons_end_within_a_window(policy: Policy) -> Iterator[Problem]:
    most = policy.window_minutes * 60
    for trigger, described in policy.triggers.items():
        source = described.source
        if isinstance(source, BalanceComparison) and source.most_seconds > most:
            place = f"triggers.{trigger.value}.source.most_seconds"
            yield place, f"{source.most_seconds} is longer than a window; allowed: {most} or less"


def _mappings_know_their_tenant(policy: Policy) -> Iterator[Problem]:
    for name, mapping in policy.access_log.items():
        place = f"access_log.{name}"
        if mapping.tenant_from == "constant" and mapping.tenant_constant is None:
            yield f"{place}.tenant_constant", "is missing with tenant_from constant; allowed: the id of one tenant"
        if mapping.tenant_from != "constant" and mapping.tenant_constant is not None:
            yield f"{place}.tenant_constant", "is given without tenant_from constant; allowed: only with it"
        if mapping.tenant_from == "field" and not mapping.tenant_id:
            yield f"{place}.tenant_id", "names no field with tenant_from field; allowed: the field that holds the tenant id"
        if mapping.tenant_constant is not None:
            try:
                checked_tenant_id(mapping.tenant_constant)
            except BadInputError as error:
                yield f"{place}.tenant_constant", str(error)


def _names_of_flags_and_secrets_are_names(policy: Policy) -> Iterator[Problem]:
    for name, flag in policy.flags.items():
        if not _FLAG_NAME.fullmatch(name):
            yield f"flags.{name}", "is not a flag name; allowed: small letters, digits and '_', beginning with a letter"
        if not _VARIABLE_NAME.fullmatch(flag.env_name):
            yield f"flags.{name}.env_name", f"{flag.env_name!r} is not a variable name; allowed: letters, digits and '_'"
    for provider, name in policy.secrets.names.items():
        if not _VARIABLE_NAME.fullmatch(name):
            # a secret put here by mistake must not show up in a message
            yield (
                f"secrets.names.{provider}",
                "is not a variable name; allowed: a name, never the secret itself",
            )


def _whoever_writes_plans_can_be_run(policy: Policy) -> Iterator[Problem]:
    if policy.backfill_writer is BackfillWriter.PLATFORM_SCRIPT and policy.command_runner is None:
        yield "backfill_writer", "is platform_script without a section command_runner; allowed: with that section"


def _other_environments_can_be_compared(policy: Policy) -> Iterator[Problem]:
    known = {name.lower() for name in policy.secrets.names.values()}
    for label, other in policy.secrets.other_environments.items():
        place = f"secrets.other_environments.{label}"
        if not other.env_file and not other.fingerprints:
            yield place, "names nothing to compare with; allowed: env_file, fingerprints or both"
        for name in other.fingerprints:
            if name.lower() not in known:
                listed = ", ".join(sorted(policy.secrets.names.values())) or "none is listed"
                yield f"{place}.fingerprints.{name[:40]}", f"is not in secrets.names; allowed: {listed}"


def _restore_probes_are_of_known_flags(policy: Policy) -> Iterator[Problem]:
    for flag in policy.restore.probes:
        if flag not in policy.flags:
            known = ", ".join(sorted(policy.flags)) or "none is defined"
            yield f"restore.probes.{flag}", f"{flag!r} is not in flags; allowed: {known}"


def _signatures_are_reminded_of_at_least_as_often(policy: Policy) -> Iterator[Problem]:
    signatures, others = policy.reminders.signatures_hours, policy.reminders.rolled_back_hours
    if signatures > others:
        yield "reminders.signatures_hours", f"{signatures} is more than rolled_back_hours; allowed: {others} or less"


def _probes_are_of_known_flags(policy: Policy) -> Iterator[Problem]:
    for name, probe in policy.probes.items():
        if name not in policy.flags:
            yield f"probes.{name}", f"is not a flag of this policy; allowed: {', '.join(sorted(policy.flags))}"
        if probe.canary is not None and probe.canary.kind == "withdrawal":
            try:
                checked_tenant_id(probe.canary.tenant_id)
            except BadInputError as error:
                yield f"probes.{name}.canary.tenant_id", str(error)


Rule = Callable[[Policy], Iterator[Problem]]


def _budgets_can_be_reached(policy: Policy) -> Iterator[Problem]:
    hour, day, rails = policy.budget.per_hour, policy.budget.per_day, policy.guardrails
    for what in ("rows", "cents", "tenants"):
        an_hour, a_day = getattr(hour, what), getattr(day, what)
        if a_day < an_hour:
            yield f"budget.per_day.{what}", f"{a_day} is less than an hour's {an_hour}; allowed: as much or more"
    for name, each in (("per_hour", hour), ("per_day", day)):
        plans = (("rows", rails.max_rows, "max_rows"), ("cents", rails.max_total_delta_cents, "max_total_delta_cents"))
        for what, of_one, rail in plans:
            amount, most = getattr(each, what), of_one * each.tenants
            if amount > most:
                found = f"{amount} can't be reached by {each.tenants} tenants of {of_one} each ({rail})"
                yield f"budget.{name}.{what}", f"{found}; allowed: up to {most}"


def _limits_by_money_can_be_reached(policy: Policy) -> Iterator[Problem]:
    has_amounts = any(mapping.amount for mapping in policy.access_log.values())
    for trigger, described in policy.triggers.items():
        place = f"triggers.{trigger.value}.limits.severe_from_cents"
        if described.limits.severe_from_cents is None:
            continue
        if not described.source.tells_money:
            yield place, f"is never reached: {described.source.kind} tells no money; allowed: with a source that does"
        elif isinstance(described.source, AccessEvents) and not has_amounts:
            yield place, "is never reached: no mapping of access_log has an amount; allowed: where one has"


_RULES: tuple[Rule, ...] = (
    *RULES_OF_PEOPLE,
    _every_row_is_of_a_known_trigger,
    _every_trigger_names_a_known_flag_and_a_runbook,
    _every_case_is_decided_once,
    _actions_fit_their_row,
    _nothing_is_left_to_be_filled_in,
    _numbers_are_ordered,
    _comparisons_end_within_a_window,
    _budgets_can_be_reached,
    _limits_by_money_can_be_reached,
    _mappings_know_their_tenant,
    _names_of_flags_and_secrets_are_names,
    _whoever_writes_plans_can_be_run,
    _other_environments_can_be_compared,
    _restore_probes_are_of_known_flags,
    _signatures_are_reminded_of_at_least_as_often,
    _probes_are_of_known_flags,
    retention_suffices,
)
