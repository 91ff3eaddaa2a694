"""What the words of a ledger move, learnt from the data: on which side, and how much of their amount.

A word is a type with a status. What it does to the player is told by balances that transactions noted: between two notes of one
player, only the rows booked in between can have moved it. What it does to the wallet is told by how far wallet and player are
apart now: where every other row of a player moved both alike, the difference is the word's. Words are learnt one after the
other, each from places where nothing else is unknown; a place speaks for the factors that fit it, and the factor that most
places speak for is taken where hardly any speak against it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import pairwise, product

from ledger_guard.domain.ledger_samples import Factor, SampledPlayer, Word, WordNote, WordRow
from ledger_guard.domain.money import Cents

#: places that must speak for a factor, and the share of all places that must
LEAST_PLACES = 3
LEAST_SHARE = 0.7
#: notes and balances that fit by a cent are the same: half a cent was rounded
_TOLERANCE_CENTS = 1
#: a row without a transaction's id that follows a note of its amount this closely is the note's own
_BOOKED_WITHIN_SECONDS = 0.05


class WordSide(str, Enum):
    """Whose balances a word moves."""

    BOTH = "both"
    WALLET = "wallet"
    PLAYER = "player"
    NOTHING = "nothing"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True)
class Learnt:
    """What was learnt of one word."""

    word: Word
    rows: int
    players: int
    side: WordSide
    available: Factor = Factor.NONE
    held: Factor = Factor.NONE
    #: places that fit, and all places that could tell
    fits: int = 0
    places: int = 0

    @property
    def share(self) -> float:
        """How many of the places fit, 0..1."""
        return self.fits / self.places if self.places else 0.0


@dataclass
class _Tally:
    """Votes for the factors of one word."""

    votes: Counter[Factor] = field(default_factory=Counter)
    places: int = 0

    #: places that some factor fits; the others tell of something else, as a wallet born from 0
    telling: int = 0

    def winner(self) -> Factor | None:
        """The factor that most places fit; of equals the simpler one. None while too few do."""
        if not self.votes:
            return None
        best = max(self.votes, key=lambda factor: (self.votes[factor], -list(Factor).index(factor)))
        is_sure = self.votes[best] >= LEAST_PLACES and self.votes[best] >= LEAST_SHARE * self.telling
        return best if is_sure else None


#: rows of one place, and what they moved together
_Place = tuple[Sequence[WordRow], Cents]


def learn_words(players: Sequence[SampledPlayer]) -> list[Learnt]:
    """What each word moves, by word. Words of which too few places tell are NOT_KNOWN."""
    available_of_player, seen = _solve([place for player in players for place in _available_between_notes(player)])
    held_of_player, _ = _solve([place for player in players for place in _held_between_notes(player)])
    apart_available, seen_apart = _solve([place for player in players for place in _apart(player, 0)])
    apart_held, _ = _solve([place for player in players for place in _apart(player, 1)])
    rows: Counter[Word] = Counter()
    holders: defaultdict[Word, set[int]] = defaultdict(set)
    for number, player in enumerate(players):
        for row in player.rows:
            rows[row.word] += 1
            holders[row.word].add(number)
    found = []
    for word in sorted(rows):
        tally = seen_apart.get(word) or seen.get(word) or _Tally()
        side, available, held = _put_together(
            available_of_player.get(word), held_of_player.get(word), apart_available.get(word), apart_held.get(word)
        )
        fits = max(tally.votes.values(), default=0)
        if side is WordSide.WALLET and word not in available_of_player and _is_against(available, players, word):
            side, available = WordSide.PLAYER, Factor.BY_DIRECTION
        found.append(Learnt(word, rows[word], len(holders[word]), side, available, held, fits, tally.places))
    return found


def shared_payments(players: Sequence[SampledPlayer], learnt: Sequence[Learnt]) -> dict[Word, str]:
    """Words that booked one payment on both sides and on the wallet alone, each with the step that they share.

    That they do is seen by an id under which both booked the same amount in the same direction.
    """
    told = {each.word: each for each in learnt}
    steps: dict[Word, str] = {}
    for player in players:
        of_payment = defaultdict(set)
        for row in player.rows:
            if row.tx_id is not None and row.word in told:
                of_payment[row.tx_id, row.is_credit, row.cents].add(row.word)
        for words in of_payment.values():
            for wallet, both in product(sorted(words), repeat=2):
                if _book_alike(told[wallet], told[both]):
                    steps[wallet] = steps[both] = steps.get(wallet) or steps.get(both) or wallet[0]
    return steps


def _book_alike(wallet: Learnt, both: Learnt) -> bool:
    sides = (wallet.side, both.side)
    return sides == (WordSide.WALLET, WordSide.BOTH) and (wallet.available, wallet.held) == (both.available, both.held)


def _put_together(
    player_available: Factor | None, player_held: Factor | None, apart_available: Factor | None, apart_held: Factor | None
) -> tuple[WordSide, Factor, Factor]:
    """Side and factors of a word, from what it does to the player and to the distance between wallet and player."""
    unknown = WordSide.NOT_KNOWN, Factor.NONE, Factor.NONE
    if apart_available is None or apart_held is None:
        return unknown
    is_apart = (apart_available, apart_held) != (Factor.NONE, Factor.NONE)
    if player_available is None:
        return (WordSide.WALLET, apart_available, apart_held) if is_apart else unknown
    if is_apart:
        is_of_wallet = player_available is Factor.NONE
        if is_of_wallet:
            return WordSide.WALLET, apart_available, apart_held
        return WordSide.PLAYER, player_available, Factor.NONE
    if player_available is Factor.NONE and player_held is None:
        return unknown
    held = player_held or Factor.NONE
    side = WordSide.NOTHING if (player_available, held) == (Factor.NONE, Factor.NONE) else WordSide.BOTH
    return side, player_available, held


def _is_against(available: Factor, players: Sequence[SampledPlayer], word: Word) -> bool:
    """Whether the wallet would lose what is booked as a credit, or gain a debit: then it is the player that got it."""
    rows = [row for player in players for row in player.rows if row.word == word and row.cents]
    return available is not Factor.NONE and all(available.of(row) == -Factor.BY_DIRECTION.of(row) for row in rows)


def _available_between_notes(player: SampledPlayer) -> Iterable[_Place]:
    """The rows between two notes of available, with what they moved it by; and each note's own row."""
    notes = sorted((note for note in player.notes if not note.is_total), key=lambda note: note.noted_at)
    for note in player.notes:
        booked = [row for row in player.rows if (row.tx_id, row.booked_at) == (note.transaction_id, note.noted_at)]
        if booked:
            yield booked, note.moved_available
    for earlier, later in pairwise(notes):
        between = [
            row
            for row in player.rows
            if earlier.noted_at <= row.booked_at <= later.noted_at and not _is_own(row, earlier) and not _is_own(row, later)
        ]
        if between:
            yield between, later.before - earlier.before - earlier.moved_available


def _held_between_notes(player: SampledPlayer) -> Iterable[_Place]:
    """The rows between two moments at which what was held is known, and up to now, with what they moved it by.

    It is known where a note of both follows a note of available with nothing booked in between.
    """
    notes = sorted(player.notes, key=lambda note: note.noted_at)
    known: list[tuple[datetime | None, Cents]] = []
    for earlier, later in pairwise(notes):
        is_next = not earlier.is_total and later.is_total
        if is_next and not any(
            earlier.noted_at <= row.booked_at <= later.noted_at and not _is_own(row, earlier) and not _is_own(row, later)
            for row in player.rows
        ):
            known.append((later.noted_at, later.before - earlier.before - earlier.moved_available))
    for (since, before), (until, after) in pairwise([*known, (None, player.held)]):
        rows = [row for row in player.rows if since and row.booked_at >= since and (until is None or row.booked_at < until)]
        if rows:
            yield rows, after - before


def _is_own(row: WordRow, note: WordNote) -> bool:
    """Whether a row is the one that a note was made with, and no later step of the same transaction."""
    if row.tx_id is not None:
        return (row.tx_id, row.booked_at) == (note.transaction_id, note.noted_at)
    # A hand of poker is booked under no id, right after its transaction.
    return 0 <= (row.booked_at - note.noted_at).total_seconds() < _BOOKED_WITHIN_SECONDS and row.cents == abs(
        note.moved_available
    )


def _apart(player: SampledPlayer, component: int) -> Iterable[_Place]:
    """All rows of a player, with how far its wallet is above it."""
    if player.wallet is not None and player.rows:
        held = (player.available, player.held)
        yield player.rows, player.wallet[component] - held[component]


def _solve(places: Sequence[_Place]) -> tuple[dict[Word, Factor], dict[Word, _Tally]]:
    """Learn one word after the other, from places where all others are known already."""
    known: dict[Word, Factor] = {}
    tallies: dict[Word, _Tally] = {}
    while True:
        votes = _votes(places, known)
        tallies |= {word: tally for word, tally in votes.items() if word not in known}
        sure = {word: winner for word, tally in votes.items() if (winner := tally.winner()) is not None}
        if not sure:
            return known, tallies
        # the surest first: what it teaches may change how the others are read
        best = max(sure, key=lambda word: (votes[word].votes[sure[word]], word))
        known[best] = sure[best]


def _votes(places: Sequence[_Place], known: Mapping[Word, Factor]) -> dict[Word, _Tally]:
    tallies: defaultdict[Word, _Tally] = defaultdict(_Tally)
    for rows, moved in places:
        unknown = {row.word for row in rows if row.word not in known}
        if len(unknown) != 1:
            continue
        (word,) = unknown
        rest = moved - sum(known[row.word].of(row) for row in rows if row.word != word)
        own = [row for row in rows if row.word == word and row.cents]
        if not own:
            continue
        tallies[word].places += 1
        fitting = [factor for factor in Factor if abs(sum(factor.of(row) for row in own) - rest) <= _TOLERANCE_CENTS]
        tallies[word].telling += bool(fitting)
        tallies[word].votes.update(fitting)
    return dict(tallies)
