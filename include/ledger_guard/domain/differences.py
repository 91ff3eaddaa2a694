"""The rule for what a wallet should hold and why it does not, over evidence added up by an adapter.

Neither the player row nor the wallet row is the truth. Money that only the wallet got (webhooks, chargebacks, rewards) is in
no player row; what only the player row got (poker, tournaments) is in no wallet; and a lost update takes money out of either.
Right is the player's side, replayed from the opening that the first noted balance gives, with the wallet-only movements on
top and without what came in other currencies. Where several readings fit, a human decides: money is never erased on a guess, and
never made on the word of a player row that may have been raised.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from ledger_guard.domain.findings import RowCause, RowReason
from ledger_guard.domain.ledger_evidence import NO_EVIDENCE, NOTHING, Amounts, LedgerEvidence
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import PlanRow, RowState


@dataclass(frozen=True)
class Balances:
    """What player row and wallet row hold, in cents.

    None is an amount that can't be read as cents: null, NaN, an infinity, or too large. With `has_wallet` False the wallet's
    amounts are None as well.
    """

    player_available: Cents | None
    player_held: Cents | None
    wallet_available: Cents | None
    wallet_pending: Cents | None
    has_wallet: bool = True
    #: the player has a wallet under a code that only looks like the plan's currency
    has_wallet_alike: bool = False

    @property
    def player(self) -> Amounts | None:
        """The player row's amounts, or None when one can't be read."""
        return _pair(self.player_available, self.player_held)

    @property
    def wallet(self) -> Amounts | None:
        """The wallet's amounts, or None when there is no wallet or one can't be read."""
        return _pair(self.wallet_available, self.wallet_pending)


@dataclass(frozen=True)
class Finding:
    """The finding about a player's wallet."""

    cause: RowCause
    reason: RowReason


@dataclass(frozen=True)
class Judgement:
    """One player, judged."""

    #: None: the wallet is right
    finding: Finding | None
    #: what the wallet should hold by the evidence; None where the player row can't be read
    target: Amounts | None
    #: what the player held before the first ledger row
    opening: Amounts = NOTHING
    #: the player row itself is wrong: it lost an update that the ledger shows
    has_lost_update: bool = False
    #: the opening follows from rows that can be read and are all understood, and is not below zero
    is_opening_known: bool = False


def judge(balances: Balances, evidence: LedgerEvidence = NO_EVIDENCE) -> Judgement:
    """What the wallet should hold, and the finding if it does not."""
    player, wallet = balances.player, balances.wallet
    if player is None:
        return Judgement(_unreadable(RowReason.UNREADABLE_PLAYER), None)
    by_row = player.less(evidence.player_side)
    opening = _opening(by_row, evidence)
    target = opening.plus(evidence.player_side).plus(evidence.wallet_only).less(evidence.other_currencies)
    has_lost_update = opening != by_row
    doubt = _doubt(balances, evidence)
    if doubt is not None:
        return Judgement(doubt, target, opening)
    judged = Judgement(None, target, opening, has_lost_update, is_opening_known=min(opening) >= 0)
    return judged if wallet == target else replace(judged, finding=_finding(balances, evidence, judged))


def _opening(by_row: Amounts, evidence: LedgerEvidence) -> Amounts:
    """The noted opening, else the one that the player row leaves when its movements are taken off.

    What was held can be told from a note of both only while available is sure, for the note holds their sum.
    """
    if evidence.noted_opening_available not in (None, by_row.available):
        return Amounts(evidence.noted_opening_available or 0, by_row.held)
    if evidence.noted_opening_total is None:
        return by_row
    return Amounts(by_row.available, evidence.noted_opening_total - by_row.available)


def _doubt(balances: Balances, evidence: LedgerEvidence) -> Finding | None:
    """What forbids a judgement, whatever the wallet holds."""
    if balances.has_wallet_alike:
        return _unreadable(RowReason.CURRENCY_CODE)
    if balances.has_wallet and balances.wallet is None:
        return _unreadable(RowReason.UNREADABLE_WALLET)
    if not evidence.is_readable:
        return _unreadable(RowReason.UNREADABLE_LEDGER)
    if evidence.has_unknown_word:
        return _unexplained(RowReason.UNKNOWN_WORD)
    return _unexplained(RowReason.BOOKED_TWICE) if evidence.is_booked_twice else None


def _finding(balances: Balances, evidence: LedgerEvidence, judged: Judgement) -> Finding:
    """What is the matter with a wallet that is missing or does not hold what the evidence gives."""
    assert judged.target is not None, "the player row was read"
    several_readings = _several_readings(evidence, judged.opening, judged.target, has_lost_update=judged.has_lost_update)
    if several_readings is not None:
        return _unexplained(several_readings)
    if _rises(balances.wallet, judged.target) and _rose(judged.opening, evidence.seen_opening):
        return _unexplained(RowReason.PLAYER_ROSE)
    if judged.has_lost_update:
        return Finding(RowCause.LOST_UPDATE, RowReason.PLAYER_ROW)
    if balances.wallet is None:
        return Finding(RowCause.MISSING, RowReason.NO_WALLET)
    if not evidence.has_movements:
        return _unexplained(RowReason.NO_MOVEMENT)
    return _cause_of_difference(balances.wallet.less(judged.target), judged.opening, evidence)


def _several_readings(evidence: LedgerEvidence, opening: Amounts, target: Amounts, *, has_lost_update: bool) -> RowReason | None:
    """Why the target can't be trusted enough to be written; None when it can."""
    reasons = (
        (min(opening) < 0, RowReason.NEGATIVE_OPENING),
        (min(target) < 0, RowReason.NEGATIVE_TARGET),
        (evidence.requests_may_overlap, RowReason.OVERLAPPING_REQUESTS),
        # Two withdrawals at once lose one of them in both amounts, and leave their sum right.
        (evidence.holds_may_overlap and (has_lost_update or evidence.opening_rests_on_held), RowReason.OVERLAPPING_HOLDS),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _cause_of_difference(above: Amounts, opening: Amounts, evidence: LedgerEvidence) -> Finding:
    """How sure the evidence is, when the wallet holds `above` more than it gives.

    What it accounts for in whole parts, and an increase from a noted balance, may be written; what it would take away and
    can't account for is disputed. An increase that only the player row supports is a human's.
    """
    if _is_accounted_for(above, opening, evidence):
        return Finding(RowCause.STALE_WALLET, RowReason.ACCOUNTED)
    if _is_unsupported(above, opening, evidence):
        return _unexplained(RowReason.UNSUPPORTED)
    if evidence.noted_opening_available is not None and above.total <= 0:
        return Finding(RowCause.STALE_WALLET, RowReason.NOTED)
    return Finding(RowCause.DISPUTED, RowReason.UNACCOUNTED)


def _is_accounted_for(above: Amounts, opening: Amounts, evidence: LedgerEvidence) -> bool:
    """Whether the wallet is off by whole parts of the evidence.

    Born from 0 it lacks the opening, which only a wallet-only row can have done or a note has to prove; poker and tournaments
    never reach it; with shadow write off, or after the script's force, it lacks what only wallets get; and a payment may have
    reached it twice.
    """
    is_opening_proved = all(noted or not amount for noted, amount in zip(_is_noted(evidence), opening, strict=True))
    parts = (
        (opening if evidence.may_be_born_from_0 or is_opening_proved else NOTHING, -1),
        (evidence.player_only, -1),
        (evidence.wallet_only, -1),
        (evidence.counted_twice, 1),
    )
    return any(
        above == Amounts(sum(sign * part.available for part, sign in chosen), sum(sign * part.held for part, sign in chosen))
        for chosen in (
            [pair for pair, is_taken in zip(parts, taken, strict=True) if is_taken]
            for taken in product((False, True), repeat=len(parts))
        )
    )


def _is_unsupported(above: Amounts, opening: Amounts, evidence: LedgerEvidence) -> bool:
    """Whether the wallet would get more than all that may never have reached it, and only the player row tells the opening.

    Rows of both sides reached it; single rows of the wallet or the player alone may be what it lacks.
    """
    components = zip(above, opening, _is_noted(evidence), evidence.wallet_only, evidence.player_only, strict=True)
    return any(
        not noted and unproved > 0 and -more > max(wallet_only, 0) + max(player_only, 0)
        for more, unproved, noted, wallet_only, player_only in components
    )


def _is_noted(evidence: LedgerEvidence) -> tuple[bool, bool]:
    """Whether a note tells the opening, by component."""
    return evidence.noted_opening_available is not None, evidence.noted_opening_total is not None


def _rises(wallet: Amounts | None, target: Amounts) -> bool:
    """Whether the wallet would get more of either amount."""
    return any(after > before for before, after in zip(wallet or NOTHING, target, strict=True))


def _rose(opening: Amounts, seen: Amounts | None) -> bool:
    """Whether the player holds more from before the ledger than when the guard looked first: the ledger's past can't grow."""
    return seen is not None and any(now > then for then, now in zip(seen, opening, strict=True))


def difference_row(player_id: str, currency: str, balances: Balances, evidence: LedgerEvidence = NO_EVIDENCE) -> PlanRow | None:
    """A player's finding as a plan keeps it, or None when the wallet is right. Rows that only a human may settle are set aside.

    Unreadable amounts become 0 for a player and None for a wallet; such a row is never written.
    """
    judged = judge(balances, evidence)
    if judged.finding is None:
        return None
    target = judged.target or NOTHING
    return PlanRow(
        player_id=player_id,
        currency=currency,
        cause=judged.finding.cause,
        reason=judged.finding.reason,
        player_available=balances.player_available or 0,
        player_held=balances.player_held or 0,
        wallet_available=balances.wallet_available,
        wallet_pending=balances.wallet_pending,
        target_available=target.available,
        target_pending=target.held,
        opening=judged.opening.total,
        wallet_only=evidence.wallet_only.total,
        player_only=evidence.player_only.total,
        counted_twice=evidence.counted_twice.total,
        other_currencies=evidence.other_currencies.total,
        state=RowState.PLANNED if judged.finding.cause.is_writable else RowState.SET_ASIDE,
    )


def _unexplained(reason: RowReason) -> Finding:
    return Finding(RowCause.UNEXPLAINED, reason)


def _unreadable(reason: RowReason) -> Finding:
    return Finding(RowCause.UNREADABLE, reason)


def _pair(first: Cents | None, second: Cents | None) -> Amounts | None:
    return None if first is None or second is None else Amounts(first, second)
