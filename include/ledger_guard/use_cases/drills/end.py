"""end_drill: put on record how a drill ended, once, and tell the channel."""

from __future__ import annotations

from datetime import timedelta

from ledger_guard.domain.approvals import Answer, Approval
from ledger_guard.domain.drills import MARK, Drill, DrillOutcome, drill_of, subject_of
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.drills import DrillEnded
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.shown_text import duration
from ledger_guard.domain.signals import Trigger
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.notify.notify import notify, tell


def end_drill(
    deps: Dependencies, drill_id: str, outcome: DrillOutcome, sentence: str, approval: Approval | None = None
) -> DrillEnded:
    """End the drill, post it, and return how it ended; one that has ended stays as it is, and nothing is posted again.

    `approval`: its question, with the answer of a person or none. A failed channel is on record and stops nothing.
    Raises BadInputError when there is no such drill.
    """
    with deps.state.transaction() as state:
        state.audit.take_turn()
        drill = drill_of(state.audit, drill_id)
        if drill.ended is not None:
            return drill.ended
        fact = _fact(outcome, sentence, approval)
        state.audit.append(recorded(fact, actor=GUARD_ITSELF, subject=subject_of(drill_id), at=deps.wall_clock.now()))
        drill = drill_of(state.audit, drill_id)
    tell(lambda: notify(deps, _notice(deps, drill, outcome, sentence)))
    return fact


def _fact(outcome: DrillOutcome, sentence: str, approval: Approval | None) -> DrillEnded:
    answer = approval.answer if approval is not None else None
    if answer is None or answer.answer is Answer.TIMED_OUT:
        return DrillEnded(outcome=outcome.value, sentence=sentence, answer=None, answered_by=None, answered_at=None)
    return DrillEnded(
        outcome=outcome.value,
        sentence=sentence,
        answer=answer.answer.value,
        answered_by=answer.answered_by,
        answered_at=answer.answered_at,
    )


def _notice(deps: Dependencies, drill: Drill, outcome: DrillOutcome, sentence: str) -> Notice:
    steps = [(name, after) for name, after in drill.seconds.items() if after is not None]
    return Notice(
        title=f"{MARK}end · {deps.policy.named(Trigger(drill.trigger))} · {outcome.value.replace('_', ' ')}",
        summary=f"The drill has ended: {sentence}. Nothing was written to the platform.",
        facts=(
            ("Asked for by", drill.by),
            *((f"Until {name}", duration(timedelta(seconds=after))) for name, after in steps),
            ("Drill", drill.drill_id),
        ),
    )
