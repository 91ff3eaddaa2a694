"""platform_check: does the policy fit this platform? Schema, ledger words, flags, log and secrets, held against what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ledger_guard.domain.errors import LedgerGuardError
from ledger_guard.domain.ledger_samples import Factor, SampledPlayer, Word
from ledger_guard.domain.ledger_words import Learnt, WordSide, learn_words, shared_payments
from ledger_guard.policy.ledger_tables import Booking, LedgerTable
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import LedgerWords, WordCount

#: players that the words are learnt from
PLAYERS_AT_MOST = 5_000
#: how far back the log's events are looked at
_LOG_SPAN = timedelta(days=1)


@dataclass(frozen=True)
class CheckedPart:
    """One part of the platform, looked at."""

    name: str
    #: False: it does not fit, or could not be asked
    fits: bool
    #: for people: what was found, what does not fit first
    lines: tuple[str, ...]


_NOT_ASKED = CheckedPart("ledger", fits=False, lines=("not looked at while the schema does not fit",))


@dataclass(frozen=True)
class PlatformCheck:
    """What a check found, and the section of the policy that it proposes."""

    parts: tuple[CheckedPart, ...]
    words: tuple[Learnt, ...]
    #: bookings for the policy's platform.ledger, one a line, as YAML; empty where nothing is missing or wrong
    proposal: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether every part fits."""
        return all(part.fits for part in self.parts)


def check_platform(deps: Dependencies, words: LedgerWords, players_at_most: int = PLAYERS_AT_MOST) -> PlatformCheck:
    """Look at everything that the policy says of the platform; a part that can't be asked is named and the others go on."""
    counts: list[WordCount] = []
    sample: list[SampledPlayer] = []
    schema, is_asked = _asked("schema", lambda: _schema(deps)), False
    if schema.fits:
        try:
            counts, sample, is_asked = words.counts(), words.sample(players_at_most), True
        except LedgerGuardError as error:
            schema = CheckedPart("schema", fits=False, lines=(f"the ledger could not be asked: {error}",))
    learnt = learn_words(sample)
    parts = (
        schema,
        _ledger(deps.policy.platform.ledger, counts, learnt) if is_asked else _NOT_ASKED,
        _asked("flags", lambda: _flags(deps)),
        _asked("log", lambda: _log(deps)),
        _asked("secrets", lambda: _secrets(deps)),
    )
    proposal = _proposal(deps.policy.platform.ledger, counts, learnt, shared_payments(sample, learnt))
    return PlatformCheck(parts, tuple(learnt), tuple(proposal))


def _asked(name: str, look: Callable[[], Iterator[str]]) -> CheckedPart:
    """A part from lines of which those that begin with `!` do not fit; one that can't be asked does not fit either."""
    try:
        lines = list(look())
    except LedgerGuardError as error:
        return CheckedPart(name, fits=False, lines=(f"could not be asked: {error}",))
    wrong = [line[1:] for line in lines if line.startswith("!")]
    return CheckedPart(name, fits=not wrong, lines=(*wrong, *(line for line in lines if not line.startswith("!"))))


def _schema(deps: Dependencies) -> Iterator[str]:
    deps.ledger.check_columns()
    tenants = deps.ledger.tenant_ids()
    yield f"every mapped table and column is there; {len(tenants)} tenants"
    for obstacle in deps.backfill.obstacles():
        yield f"!{obstacle.sentence}"


def _ledger(ledger: LedgerTable, counts: Sequence[WordCount], learnt: Sequence[Learnt]) -> CheckedPart:
    """Words of the data that the policy lacks, words that it has wrong, and words of it that the data never used."""
    told = {each.word: each for each in learnt}
    wrong, fine = [], []
    for count in counts:
        word, booking = (count.type, count.status), _booking(ledger, count.type, count.status)
        found = told.get(word)
        said = _in_words(found) if found else "too few rows to tell"
        where = f"{count.type}/{count.status}: {count.rows} rows of {count.players} players"
        if booking is None and count.status.lower() not in {each.lower() for each in ledger.void_statuses}:
            wrong.append(f"{where}; not in the policy; the data say: {said}")
        elif booking is not None and found is not None and _contradicts(booking, found):
            wrong.append(f"{where}; the policy says it moves {booking.moves}; the data say: {said}")
        else:
            fine.append(f"{where}; as the policy says")
    seen = {(count.type, count.status.lower()) for count in counts}
    types = {count.type for count in counts}
    for booking in ledger.all_bookings:
        unused = [status for status in booking.statuses if (booking.type, status.lower()) not in seen]
        if unused or (not booking.statuses and booking.type not in types):
            fine.append(f"{booking.type}/{', '.join(unused) or 'any'}: in the policy, never in the data")
    if not counts:
        wrong.append("no row in the ledger, or no such table: only missing wallets can be made")
    return CheckedPart("ledger", fits=not wrong, lines=(*wrong, *fine))


def _booking(ledger: LedgerTable, type_: str, status: str) -> Booking | None:
    of_type = [each for each in ledger.all_bookings if each.type == type_]
    named = next((each for each in of_type if status.lower() in {word.lower() for word in each.statuses}), None)
    return named or next((each for each in of_type if not each.statuses), None)


def _contradicts(booking: Booking, found: Learnt) -> bool:
    """Whether the data put the word on another side; what they can't tell contradicts nothing."""
    return found.side is not WordSide.NOT_KNOWN and found.side.value != booking.moves


def _in_words(found: Learnt) -> str:
    if found.side is WordSide.NOT_KNOWN:
        return "can't be told; ask whoever keeps the platform"
    if found.side is WordSide.NOTHING:
        return f"moves nothing ({found.fits} of {found.places} places)"
    moved = [f"{factor.value} of available" for factor in (found.available,) if factor is not Factor.NONE]
    moved += [f"{factor.value} of held" for factor in (found.held,) if factor is not Factor.NONE]
    return f"moves {found.side.value}, {' and '.join(moved)} ({found.fits} of {found.places} places)"


def _proposal(
    ledger: LedgerTable, counts: Sequence[WordCount], learnt: Sequence[Learnt], steps: Mapping[Word, str]
) -> Iterator[str]:
    """Bookings for words that the policy lacks or has on another side; what can't be told is a comment for people."""
    told = {each.word: each for each in learnt}
    is_any = False
    for count in counts:
        booking, found = _booking(ledger, count.type, count.status), told.get((count.type, count.status))
        if booking is not None and not (found is not None and _contradicts(booking, found)):
            continue
        if found is None or found.side is WordSide.NOT_KNOWN:
            yield f"# {count.type}/{count.status}: {count.rows} rows; ask what it moves, then add a booking"
            continue
        available = "" if found.available is Factor.BY_DIRECTION else f", available: {found.available.value}"
        held = "" if found.held is Factor.NONE else f", held: {_plain(found)}"
        step = f", payment_step: {steps[found.word]}" if found.word in steps else ""
        moves = f"moves: {found.side.value}{available}{held}{step}"
        is_any = True
        yield f"- {{type: {count.type}, statuses: [{count.status}], {moves}}}  # {found.fits} of {found.places} places"

    if is_any:
        yield "# ask too, for the data can't tell: amounts of which only a part is real money (amount_in_reference), and words"
        yield "# that can book one payment a second time, though none did so far (payment_step: the same on each of them)"


def _plain(found: Learnt) -> str:
    """A held factor as the policy writes it; by direction it is a debit's, as payments are booked."""
    return "-1" if found.held is Factor.BY_DIRECTION else found.held.value


def _flags(deps: Dependencies) -> Iterator[str]:
    for flag in sorted(deps.policy.flags):
        scopes = deps.flags.scopes(flag)
        standing = ", ".join(f"{scope.tenant_id} {scope.described()}" for scope in scopes)
        yield f"{flag}: {standing}" if standing else f"!{flag}: stands nowhere in the policy's flag store"
    if not deps.policy.probes:
        yield "no probes: what the instances really serve is not looked at"


def _log(deps: Dependencies) -> Iterator[str]:
    now = deps.clock.now()
    for trigger, request in deps.policy.access_events().items():
        with deps.state.transaction() as state:
            readings = state.readings.readings(trigger, now - _LOG_SPAN, now)
        calls, failures = sum(each.exposure for each in readings), sum(each.events for each in readings)
        if not calls:
            yield f"!{trigger.value}: no request of {request.method} {request.path} within a day; ingest a log"
            continue
        yield f"{trigger.value}: {calls} requests within a day, {failures} of them {request.error_code}"
        tenants = deps.ledger.tenant_ids()
        if failures and not deps.triage.affected_subjects(trigger, tenants, now - _LOG_SPAN, now, 1):
            yield f"!{trigger.value}: the log names no {request.subject} of its failures"


def _secrets(deps: Dependencies) -> Iterator[str]:
    for finding in deps.secrets.findings():
        if finding.problems:
            yield f"!{finding.name} ({finding.provider}): {'; '.join(finding.problems)}"
        elif finding.is_value_known:
            yield f"{finding.name} ({finding.provider}): nothing wrong with its form"
        else:
            yield f"{finding.name} ({finding.provider}): set to a value that is not known; {'; '.join(finding.not_known)}"
