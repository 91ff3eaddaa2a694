"""Whether refused webhook calls were forged: if genuine calls are accepted as usual, the refused ones are someone else's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ledger_guard.domain.failure_counts import chance_of_at_least, chance_of_at_most


@dataclass(frozen=True)
class Kept:
    """Calls accepted in a period, compared with the number expected from the past."""

    accepted: int
    #: expected by the hours before the incident, and by the same time on earlier days; 0 if not known
    usual_before: float = 0.0
    usual_at_this_time: float = 0.0

    @property
    def usual(self) -> float:
        """The larger of the two: at worst, people are asked needlessly."""
        return max(self.usual_before, self.usual_at_this_time)

    @classmethod
    def together(cls, parts: Iterable[Kept]) -> Kept:
        """The sum; those without a past are left out."""
        counted = [part for part in parts if part.usual > 0]
        return cls(
            sum(part.accepted for part in counted),
            sum(part.usual_before for part in counted),
            sum(part.usual_at_this_time for part in counted),
        )

    def in_words(self) -> str:
        """For people: `258 of usually 262`."""
        return f"{self.accepted} of usually {self.usual:.0f}"


@dataclass(frozen=True)
class Caller:
    """The calls of one provider for one tenant."""

    provider: str
    tenant_id: str
    refused: int
    #: in the whole period
    kept: Kept
    #: from when nine in ten of the refusals came
    kept_since: Kept
    #: in the newest window
    kept_in_newest_window: Kept


@dataclass(frozen=True)
class RefusedIds:
    """What is known about the refused calls."""

    refused: int
    #: calls without an event id
    without_id: int
    #: distinct event ids
    ids: int
    #: distinct event ids that were accepted too: a provider's second try, or a copy of a genuine call
    known_ids: int


@dataclass(frozen=True)
class Sender:
    """An address that refused calls came from."""

    address: str
    refused: int
    #: calls from there that were accepted in the same time
    accepted: int


@dataclass(frozen=True)
class RefusedSenders:
    """Where the refused calls came from."""

    #: those with the most refused calls, the most first
    most: tuple[Sender, ...]
    #: distinct addresses of all refused calls
    addresses: int
    #: calls that were refused, and those of them without an address
    refused: int
    without_address: int

    @property
    def is_known(self) -> bool:
        """Whether the access log tells of any."""
        return self.addresses > 0

    def in_words(self) -> str:
        """For people: `2 addresses. 203.0.113.7: 120 of 144 refused calls (83%), none accepted; …`."""
        if not self.is_known:
            return "not known: the access log keeps no source address"
        named = [f"{each.address}: {self._share(each.refused)}, {each.accepted or 'none'} accepted" for each in self.most]
        rest = self.refused - self.without_address - sum(each.refused for each in self.most)
        if self.addresses > len(self.most):
            named.append(f"{self.addresses - len(self.most)} more: {self._share(rest)}")
        if self.without_address:
            named.append(f"no address: {self._share(self.without_address)}")
        shared = any(each.accepted for each in self.most)
        warning = ". One with accepted calls may be a provider's own: ask before it is blocked" if shared else ""
        return f"{self.addresses} address{'' if self.addresses == 1 else 'es'}. {'; '.join(named)}{warning}"

    def _share(self, calls: int) -> str:
        return f"{calls} of {self.refused} refused calls ({calls / self.refused:.0%})"


@dataclass(frozen=True)
class ForgeryLimits:
    """From the policy."""

    #: genuine calls are as many as usual when more than this share of the usual number was accepted
    kept_share: float
    #: and so many accepted calls would have at most this chance at that share
    chance_of_luck: float


@dataclass(frozen=True)
class ForgeryFinding:
    """Whether refusals are likely forged, and by which figures."""

    is_forged: bool
    kept: Kept
    #: for people: what decided
    why: str
    #: from numbers of calls alone: no sender and no event id is known
    is_by_counts_alone: bool = False


def judged_forgery(
    callers: Sequence[Caller], ids: RefusedIds, concerned: Collection[str], limits: ForgeryLimits, *, is_widespread: bool
) -> ForgeryFinding:
    """Refusals are likely forged when all of this holds; else it can't be told, and they are taken for genuine.

    1. Over the whole time, calls were accepted so often that it would be luck (`chance_of_luck`) had `kept_share` of the usual
       number or less been genuine and accepted. Counted are the refused providers: in the tenants `concerned`, or in all of
       them when the trouble is widespread. Where no refused provider has a past, all providers count.
    2. Since nine in ten of the refusals began, at least `kept_share` of the usual number was accepted: a flip at the end
       of a window hides behind what was accepted before it.
    3. No provider, no concerned tenant, nor all of these together, were accepted less than `kept_share` of what is usual,
       in the whole time or in the newest window, beyond chance: a few refused wholly hide among many.
    4. Event ids that were refused and accepted are at most the share of the usual number that is not `kept_share`: more are
       genuine calls whose second try came through.
    """
    counted = _counted(callers, concerned, is_widespread=is_widespread)
    whole = Kept.together(caller.kept for caller in counted)
    if whole.usual <= 0:
        return ForgeryFinding(False, whole, "the usual number of calls is not known")
    for found in (
        _not_established(whole, limits),
        _fell_since(Kept.together(caller.kept_since for caller in counted), limits),
        _fell_somewhere(callers, concerned, limits),
        _tried_again(ids, whole, limits),
    ):
        if found:
            return ForgeryFinding(False, whole, found)
    return ForgeryFinding(True, whole, f"{whole.in_words()} genuine calls were accepted while {ids.refused} were refused")


def _counted(callers: Sequence[Caller], concerned: Collection[str], *, is_widespread: bool) -> list[Caller]:
    """The calls that are counted."""
    past = [caller for caller in callers if caller.kept.usual > 0 and (is_widespread or caller.tenant_id in concerned)]
    refused = {caller.provider for caller in callers if caller.refused}
    return [caller for caller in past if caller.provider in refused] or past


def _not_established(whole: Kept, limits: ForgeryLimits) -> str:
    if chance_of_at_least(whole.accepted, limits.kept_share * whole.usual) <= limits.chance_of_luck:
        return ""
    return f"{whole.in_words()} calls accepted: too few to say that genuine calls are as many as usual"


def _fell_since(since: Kept, limits: ForgeryLimits) -> str:
    if since.accepted >= limits.kept_share * since.usual:
        return ""
    return f"{since.in_words()} calls accepted since the refusals rose: genuine calls are refused"


def _fell_somewhere(callers: Sequence[Caller], concerned: Collection[str], limits: ForgeryLimits) -> str:
    groups = {"the tenants concerned": [caller for caller in callers if caller.tenant_id in concerned]}
    for caller in callers:
        groups.setdefault(f"provider {caller.provider}", []).append(caller)
        if caller.tenant_id in concerned:
            groups.setdefault(f"tenant {caller.tenant_id}", []).append(caller)
    chance = limits.chance_of_luck / len(groups)
    for name, own in groups.items():
        whole = Kept.together(caller.kept for caller in own)
        newest = Kept.together(caller.kept_in_newest_window for caller in own)
        for when, kept in (("", whole), (" in the newest window", newest)):
            if kept.usual > 0 and chance_of_at_most(kept.accepted, limits.kept_share * kept.usual) <= chance:
                return f"{kept.in_words()} calls of {name} accepted{when}: genuine calls are refused"
    return ""


def _tried_again(ids: RefusedIds, whole: Kept, limits: ForgeryLimits) -> str:
    if ids.known_ids <= (1.0 - limits.kept_share) * whole.usual:
        return ""
    return f"{ids.known_ids} event ids were refused and accepted: genuine calls are refused and accepted on a retry"
