"""Evidence of health that is missing before a flag is enabled again: quiet windows, wallets in order, a validation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.facts.backfill import BackfillOrdered, TenantCompared, WriteRefused
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.finding_words import cause_in_words
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.shown_text import quoted
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Severity, Verdict
from ledger_guard.domain.windows import Window, iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.signals.registry import signals_of_flag
from ledger_guard.use_cases.flags.flag_proposal import listed_tenants
from ledger_guard.use_cases.flags.restore_attempts import PooledAttempts, attempts_in, pooled_attempts
from ledger_guard.use_cases.flags.restore_case import RestoreCase

VALIDATION_ENVIRONMENTS = ("test", "staging")
#: verbs of the audit log that may have changed wallets since a comparison
_WRITERS = ("force", "undo", "run_script")
#: older attempts prove nothing about the signal now
_LONGEST_POOL = timedelta(days=1)


@dataclass(frozen=True)
class _RecentVerdicts:
    """A trigger's newest windows since its last alarm, at least an hour."""

    trigger: Trigger
    #: number of windows that are quiet by single tenants' verdicts
    quiet: int
    alarm_at: datetime | None
    pooled: PooledAttempts


def missing_quiet_windows(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> Iterator[str]:
    """One sentence for each trigger of the flag without enough quiet windows and without enough attempts.

    A window is quiet when none of the tenants is in alarm and at least as many have evidence of health as have no data. The
    tenants are those of the incident, or all without an incident. If too few windows are quiet, the tenants' attempts since the
    last alarm are pooled over an hour, or over as much of the last day as `restore.minimum_attempts` takes; enough of them in as
    many windows are accepted too (`pooled_attempts`). `no_data` counts for neither.
    """
    needed = deps.policy.restore.quiet_windows
    for recent in _recent_verdicts(deps, state, case):
        if recent.quiet >= needed or _is_quiet_by_attempts(recent, needed):
            continue
        why = f"in alarm at {iso(recent.alarm_at)}" if recent.alarm_at else "the others have little or no evidence"
        yield (
            f"{recent.trigger.value}: {recent.quiet} of its newest {2 * needed} windows are quiet ({why}); "
            f"needed: {needed} with evidence of health{_or_attempts(recent.pooled, needed)}"
        )


def quiet_by_attempts(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> dict[str, str]:
    """Triggers that are quiet only by pooled attempts, by name, with these attempts in words."""
    needed = deps.policy.restore.quiet_windows
    return {
        recent.trigger.value: f"{recent.pooled.described()}; needed were {recent.pooled.needed}"
        for recent in _recent_verdicts(deps, state, case)
        if recent.quiet < needed and _is_quiet_by_attempts(recent, needed)
    }


def _is_quiet_by_attempts(recent: _RecentVerdicts, needed_windows: int) -> bool:
    return recent.pooled.windows >= needed_windows and recent.pooled.suffice


def _or_attempts(pooled: PooledAttempts, needed_windows: int) -> str:
    """How many pooled attempts would be enough; empty where they prove nothing."""
    if pooled.needed is None:
        return ""
    return f", or {pooled.needed} attempts in at least {needed_windows} windows; found: {pooled.described()}"


def _recent_verdicts(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> Iterator[_RecentVerdicts]:
    rules, length = deps.policy.restore, timedelta(minutes=deps.policy.window_minutes)
    end = Window.containing(deps.clock.now(), length).start
    asked = end - 2 * rules.quiet_windows * length
    # the policy counts an alarm within an hour: attempts of less than an hour prove nothing
    start = min(asked, end - timedelta(hours=1))
    incident = state.incidents.get(case.incident_id) if case.incident_id else None
    for trigger in signals_of_flag(deps.policy, case.flag):
        since_alarm, alarm_at = _since_alarm(case, incident, trigger, state.verdicts.between(trigger, start, end))
        pooled = pooled_attempts(deps.policy, trigger, since_alarm.values())
        if pooled.needed is not None and pooled.attempts < rules.minimum_attempts and alarm_at is None:
            # Where an hour never has that many, take the newest of the day.
            longer, _ = _since_alarm(case, incident, trigger, state.verdicts.between(trigger, end - _LONGEST_POOL, end))
            pooled = pooled_attempts(deps.policy, trigger, _newest(longer, rules.minimum_attempts))
        quiet = sum(_is_quiet([each.severity for each in own]) for begun, own in since_alarm.items() if begun >= asked)
        yield _RecentVerdicts(trigger, quiet, alarm_at, pooled)


def _since_alarm(
    case: RestoreCase, incident: Incident | None, trigger: Trigger, verdicts: Iterable[Verdict]
) -> tuple[dict[datetime, list[Verdict]], datetime | None]:
    """The tenants' verdicts by window, newest first, back to the newest alarm; and that alarm's window."""
    windows: dict[datetime, list[Verdict]] = {}
    for verdict in verdicts:
        if case.is_global or verdict.tenant_id == case.tenant_id:
            windows.setdefault(verdict.window.start, []).append(verdict)
    heard = set(incident.tenants) if case.is_global and incident is not None and incident.trigger == trigger else None
    found: dict[datetime, list[Verdict]] = {}
    for start in sorted(windows, reverse=True):
        if any(verdict.severity.is_alarm for verdict in windows[start]):
            return found, start
        found[start] = [verdict for verdict in windows[start] if heard is None or verdict.tenant_id in heard]
    return found, None


def _newest(windows: Mapping[datetime, Sequence[Verdict]], attempts: int) -> Iterator[Sequence[Verdict]]:
    """The fewest newest windows that have so many attempts together."""
    found = 0
    for own in windows.values():
        if found >= attempts:
            return
        yield own
        found += attempts_in(own)


def _is_quiet(words: Sequence[Severity]) -> bool:
    healthy = sum(word.is_evidence_of_health for word in words)
    return healthy > 0 and healthy >= words.count(Severity.NO_DATA)


def missing_comparisons(deps: Dependencies, state: UnitOfWork, case: RestoreCase) -> Iterator[str]:
    """One sentence for each tenant whose wallets are not recorded as recently compared and in order.

    Tenants with the same fault share a sentence. The newest `verify` of the audit log counts, unless wallets were written
    since.
    """
    if case.wallet_tenants is None:
        return
    if not case.wallet_tenants:
        yield "backfill: the platform has no tenant, so no wallet can be compared; needed: verified clean"
    faults: dict[str, list[str]] = {}
    for tenant in case.wallet_tenants:
        fault = comparison_fault(deps, state, tenant)
        if fault:
            faults.setdefault(fault, []).append(tenant)
    for fault, tenants in faults.items():
        yield f"backfill of {listed_tenants(deps, tenants)}: {fault}; needed: verified clean"


def _newest_write(state: UnitOfWork, tenant_id: str, verb: str) -> int:
    """Position in the audit log of the tenant's newest entry of this verb that may have written a wallet; 0 without one.

    A refused attempt wrote nothing; nor did an order to pause, which older versions recorded under `force`.
    """
    entries = state.audit.newest_of_tenant(tenant_id, verb)
    return next((each.sequence for each in entries if not _wrote_nothing(each.event)), 0)


def _wrote_nothing(event: AuditEvent) -> bool:
    return bool(told(event, WriteRefused) or told(event, BackfillOrdered))


def comparison_fault(deps: Dependencies, state: UnitOfWork, tenant_id: str) -> str:
    """What is wrong with the tenant's newest recorded comparison of wallets; empty when nothing is."""
    rules, now = deps.policy.restore, deps.wall_clock.now()
    written = max((_newest_write(state, tenant_id, verb) for verb in _WRITERS), default=0)
    newest, others = _newest_comparison(state, tenant_id, written)
    if newest is None:
        doubt = " (a recorded comparison lacks the mark of the audit key: the guard did not make it)" if others else ""
        return f"its wallets were not compared since the last write{doubt}"
    if now - newest.at > timedelta(minutes=rules.verified_within_minutes):
        return f"its wallets were compared more than {rules.verified_within_minutes} minutes ago"
    compared = told(newest, TenantCompared)
    if compared is None or not compared.players:
        return "no player was compared"
    wrong = [
        f"{number} {cause_in_words(cause)}"
        for cause in RowCause
        if (number := 0 if cause is RowCause.PROTECTED else compared.counts.get(cause.value, 0))
        > (rules.max_stale_wallets if cause is RowCause.STALE_WALLET else 0)
    ]
    return ", ".join(wrong)


def _newest_comparison(state: UnitOfWork, tenant_id: str, written: int) -> tuple[AuditEvent | None, bool]:
    """The newest valid comparison after entry `written`, and whether a newer one is invalid."""
    keys, is_passed_over = state.audit.keys, False
    for entry in takewhile(lambda entry: entry.sequence > written, state.audit.newest_of_tenant(tenant_id, "verify")):
        if keys.newest is None or is_marked(entry, keys):
            return entry.event, is_passed_over
        is_passed_over = True
    return None, is_passed_over


def missing_validation(case: RestoreCase) -> Iterator[str]:
    """What the validation lacks: the probe's answer where there is a probe, else a person's statement."""
    if case.probe is not None:
        if not case.probe.passed:
            yield f"validation: the probe of the test environment, {case.probe.url}, {case.probe.words}"
        return
    environment = case.validation.get("environment")
    if environment not in VALIDATION_ENVIRONMENTS:
        yield f"validation: the environment is {str(environment)[:40]!r}; needed: one of {', '.join(VALIDATION_ENVIRONMENTS)}"
    if case.validation.get("passed") is not True:
        yield "validation: it is not on record as passed in the test environment; needed: passed true"
    reference = case.validation.get("reference")
    if not isinstance(reference, str) or not reference.strip():
        yield "validation: no reference; needed: where its result can be read"


def validated_by(case: RestoreCase, stated_by: str) -> dict[str, object]:
    """How the flag's effect was validated, for the record: by the probe, or only by a person's statement."""
    if case.probe is not None:
        return {"by": "probe", "url": case.probe.url, "status": case.probe.status}
    return {"by": "statement", "stated_by": stated_by, **case.validation}


def validation_words(case: RestoreCase, stated_by: str) -> str:
    """The same for people."""
    if case.probe is not None:
        return f"Validated by the probe of the test environment: {case.probe.url} {case.probe.words}"
    return (
        f"Validated in {case.validation['environment']} only by {stated_by}'s statement, without a probe: "
        f"{stated_by} gives {quoted(case.validation['reference'])}"
    )
