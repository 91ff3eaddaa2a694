"""acknowledge: somebody takes an incident, so nobody else is called for it; silence: nobody is called for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.codec import Fact, recorded
from ledger_guard.domain.facts.wake import CallAcknowledged, CallsSilenced, SilenceEnded
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.identities import is_visible
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.reasons import checked_reason
from ledger_guard.domain.shown_text import one_line, wrote
from ledger_guard.domain.stops import named
from ledger_guard.domain.verdicts import Severity
from ledger_guard.domain.wake import SILENCES, Silence, calls_on_record, silences_on_record, subject_of
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.notify.notify import action_notice, notify, tell
from ledger_guard.use_cases.wake.matters import incident_key, matter_of_incident
from ledger_guard.use_cases.wake.refused import refused


def acknowledge(deps: Dependencies, incident_id: str, by: str, *, how: str, is_proved: bool) -> str:
    """Take an incident: nobody else is called until it gets worse. Returns a sentence.

    It repairs nothing, closes nothing and answers no question. Pagers are told; one that is down does not hold it up.

    Raises:
        BadInputError: no such incident, it is resolved or not severe, or no name is given.
        SafetyRefusal: somebody has taken it already.
    """
    who = _person(by)
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
        if incident.is_over or incident.severity is not Severity.SEVERE:
            what = "is resolved" if incident.is_over else f"is {incident.severity.value}: it calls nobody"
            raise BadInputError(f"incident {incident_id}: {what}; allowed: a severe incident that is not resolved")
        matter = matter_of_incident(deps, incident)
        calls = calls_on_record(state.audit, matter, now)
        if calls.acknowledged_by is not None:
            raise SafetyRefusal(f"incident {incident_id}: {calls.acknowledged_by} has taken it already; needed: nothing")
        fact = CallAcknowledged(stage=matter.stage, how=how, is_proved=is_proved)
        state.audit.append(
            recorded(fact, actor=who, subject=subject_of(incident_key(incident_id)), at=now, incident_id=incident_id)
        )
    untold = []
    for name in sorted(calls.open_at & set(deps.pagers)):
        if why := refused(lambda pager=deps.pagers[name]: pager.acknowledge(matter, who)):  # type: ignore[misc]
            untold.append(f"{name} was not told: {why}")
    sentence = f"{named(who, is_proved)} has taken it ({how}); nobody else is called unless it gets worse."
    tell(lambda: notify(deps, action_notice(deps, incident_id, "acknowledge", sentence, ())))
    return " ".join([sentence, *untold])


def silence(
    deps: Dependencies, minutes: int, reason: str, by: str, *, triggers: Sequence[str], tenants: Sequence[str], is_proved: bool
) -> Silence:
    """Call nobody for so long. Incidents, verdicts, notices, approvals and writes go on as ever; what still lasts calls then.

    Raises:
        BadInputError: no name, a reason of less than 10 or more than 2000 characters, a trigger that the policy does not have,
            or longer than `wake.silence_at_most_hours`.
    """
    who, why = _person(by), checked_reason("silence: the reason", reason)
    most = deps.policy.wake.silence_at_most_hours * 60
    if not 1 <= minutes <= most:
        raise BadInputError(f"silence: {minutes} minutes; allowed: 1 to {most}")
    known = [trigger.value for trigger in deps.policy.triggers]
    if unknown := [word for word in triggers if word not in known]:
        raise BadInputError(f"silence: trigger {', '.join(unknown)} is unknown; allowed: {', '.join(known)}")
    now = deps.wall_clock.now()
    made = Silence(
        new_id(),
        now,
        now + timedelta(minutes=minutes),
        why,
        who,
        frozenset(triggers),
        frozenset(tenant.strip() for tenant in tenants),
    )
    fact = CallsSilenced(
        silence_id=made.silence_id,
        ends_at=made.ends_at,
        reason=why,
        triggers=tuple(sorted(made.triggers)),
        tenants=tuple(sorted(made.tenants)),
        is_proved=is_proved,
    )
    _put_on_record(deps, fact, who)
    sentence = f"Nobody is called for {about(made)} until {iso(made.ends_at)}: {named(who, is_proved)} {wrote(why)}."
    tell(lambda: notify(deps, Notice(title="silence · calls", summary=sentence)))
    return made


def end_silence(deps: Dependencies, silence_id: str, reason: str, by: str, *, is_proved: bool) -> Silence:
    """End a silence before its time; what still lasts calls with the next check.

    Raises:
        BadInputError: no name, a reason of less than 10 or more than 2000 characters, or no such silence that is not over.
    """
    who, why = _person(by), checked_reason("silence end: the reason", reason)
    found = next((each for each in silences(deps) if each.silence_id == silence_id), None)
    if found is None:
        raise BadInputError(f"silence {one_line(silence_id)}: is over or unknown; allowed: one that `silence list` shows")
    _put_on_record(deps, SilenceEnded(silence_id=silence_id, reason=why, is_proved=is_proved), who)
    sentence = f"People are called for {about(found)} again: {named(who, is_proved)} {wrote(why)}."
    tell(lambda: notify(deps, Notice(title="silence · ended", summary=sentence)))
    return found


def silences(deps: Dependencies) -> tuple[Silence, ...]:
    """Silences by hand and maintenance of the policy that are going on."""
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        by_hand = silences_on_record(state.audit, now)
    return (*deps.policy.wake.planned_silences(now), *by_hand)


def about(found: Silence) -> str:
    """What a silence is about, for people."""
    triggers = ", ".join(sorted(found.triggers)) or "every signal"
    return f"{triggers} of {', '.join(map(one_line, sorted(found.tenants))) or 'every tenant'}"


def _person(by: str) -> str:
    who = by.strip()
    if not is_visible(who):
        raise BadInputError("by: is empty; allowed: the name of a person")
    return who


def _put_on_record(deps: Dependencies, fact: Fact, who: str) -> None:
    with deps.state.transaction() as state:
        state.audit.append(recorded(fact, actor=who, subject=SILENCES, at=deps.wall_clock.now()))
