"""Refused calls are likely forged only where genuine ones are accepted as often as ever; each limit below, at and above it."""

from dataclasses import replace

import pytest

from ledger_guard.domain.forged_calls import Caller, ForgeryLimits, Kept, RefusedIds, RefusedSenders, Sender, judged_forgery

LIMITS = ForgeryLimits(kept_share=0.8, chance_of_luck=0.05)
FLOOD = RefusedIds(refused=144, without_id=0, ids=144, known_ids=0)


def kept(accepted: int, usual: float) -> Kept:
    return Kept(accepted, usual, usual)


def caller(
    accepted: int = 258,
    usual: float = 258.0,
    *,
    provider: str = "mockpsp",
    tenant: str = "acme",
    refused: int = 144,
    **parts: Kept,
) -> Caller:
    whole = kept(accepted, usual)
    return Caller(provider, tenant, refused, whole, parts.get("since", whole), parts.get("lately", whole))


def judged(*callers: Caller, ids: RefusedIds = FLOOD, concerned=("acme",), is_widespread: bool = True, limits=LIMITS):
    return judged_forgery(callers, ids, concerned, limits, is_widespread=is_widespread)


def test_a_stranger_who_signs_wrongly_beside_the_usual_number_of_genuine_calls_is_a_forger():
    found = judged(caller())
    assert found.is_forged
    assert found.why == "258 of usually 258 genuine calls were accepted while 144 were refused"


def test_a_flip_that_refuses_every_genuine_call_is_not_called_forged():
    assert not judged(caller(accepted=0)).is_forged


@pytest.mark.parametrize(("accepted", "is_forged"), [(229, False), (230, False), (231, True)])
def test_so_many_accepted_calls_must_be_improbable_at_the_share_that_the_policy_calls_kept(accepted, is_forged):
    """Of usually 258 calls 206 would be 80 %: 230 or more have a chance of 5.6 % there, 231 or more one of 4.9 %."""
    assert judged(caller(accepted)).is_forged is is_forged


@pytest.mark.parametrize(("share", "is_forged"), [(0.79, True), (0.9, False)])
def test_the_share_is_the_policys(share, is_forged):
    assert judged(caller(240), limits=replace(LIMITS, kept_share=share)).is_forged is is_forged


@pytest.mark.parametrize(("known", "is_forged"), [(51, True), (52, False), (53, False)])
def test_event_ids_refused_and_accepted_are_genuine_calls_tried_again(known, is_forged):
    """Half of the replicas refuse, and every second try comes through: the accepted number alone would not show it."""
    ids = replace(FLOOD, known_ids=known)
    assert judged(caller(accepted=300, usual=258.0), ids=ids).is_forged is is_forged


@pytest.mark.parametrize(("known", "is_forged"), [(124, True), (125, True), (126, False)])
def test_as_many_known_ids_as_the_share_that_is_not_kept_are_still_noise(known, is_forged):
    ids, limits = replace(FLOOD, known_ids=known), replace(LIMITS, kept_share=0.5)
    assert judged(caller(accepted=300, usual=250.0), limits=limits, ids=ids).is_forged is is_forged


@pytest.mark.parametrize(("accepted", "is_forged"), [(15, False), (16, True), (17, True)])
def test_a_flip_half_a_minute_before_the_window_ends_does_not_hide_behind_what_was_accepted_before_it(accepted, is_forged):
    assert judged(caller(since=kept(accepted, 20.0))).is_forged is is_forged


@pytest.mark.parametrize(("accepted", "is_forged"), [(70, False), (85, True)])
def test_a_flip_behind_a_long_flood_shows_in_the_newest_window(accepted, is_forged):
    found = judged(caller(accepted=1500, usual=1548.0, lately=kept(accepted, 129.0)))
    assert found.is_forged is is_forged
    assert is_forged or "in the newest window" in found.why


def test_one_provider_refused_wholly_does_not_hide_behind_another_that_a_stranger_floods():
    mixed = (caller(), caller(accepted=0, usual=12.0, provider="stripe", refused=12))
    found = judged(*mixed)
    assert not found.is_forged
    assert "provider stripe" in found.why


def test_one_tenant_refused_wholly_does_not_hide_among_many():
    many = [caller(accepted=20, usual=20.0, tenant=f"t{number}", refused=7) for number in range(20)]
    struck = caller(accepted=0, usual=20.0, tenant="struck", refused=20)
    concerned = [each.tenant_id for each in (*many, struck)]
    assert judged(*many, concerned=concerned).is_forged
    found = judged(*many, struck, concerned=concerned)
    assert not found.is_forged
    assert "tenant struck" in found.why


def test_small_tenants_refused_wholly_show_together():
    """Three small tenants of their own flag value, each too small to show alone, among twenty that no trouble concerns."""
    others = [caller(accepted=30, usual=30.0, tenant=f"t{number}", refused=0) for number in range(20)]
    struck = [caller(accepted=0, usual=4.0, tenant=f"s{number}", refused=4) for number in range(3)]
    found = judged(*others, *struck, concerned=["s0", "s1", "s2"])
    assert not found.is_forged
    assert "the tenants concerned" in found.why


def test_in_an_isolated_trouble_the_calls_of_other_tenants_prove_nothing():
    small, large = caller(accepted=5, usual=5.0), caller(tenant="zenith", accepted=400, usual=400.0, refused=0)
    assert not judged(small, large, is_widespread=False).is_forged
    assert judged(small, large, is_widespread=True).is_forged


def test_the_larger_past_counts_so_that_an_incident_shortly_before_makes_nothing_usual():
    past = Kept(130, usual_before=130.0, usual_at_this_time=258.0)
    assert not judged(Caller("mockpsp", "acme", 100, past, past, past)).is_forged


def test_without_a_past_nothing_is_told():
    found = judged(caller(usual=0.0))
    assert not found.is_forged
    assert "nothing is known" in found.why


def test_calls_accepted_under_a_name_without_a_past_prove_nothing():
    """The platform accepts any unknown provider's calls unsigned: whoever floods such a name must not hide a flip."""
    assert not judged(caller(accepted=0), caller(provider="invented", accepted=500, usual=0.0, refused=0)).is_forged


def test_calls_accepted_under_an_invented_name_do_not_hide_the_tenant_that_they_are_sent_for():
    many = [caller(accepted=20, usual=20.0, tenant=f"t{number}", refused=7) for number in range(20)]
    struck = caller(accepted=0, usual=20.0, tenant="struck", refused=20)
    invented = caller(accepted=20, usual=0.0, tenant="struck", provider="invented", refused=0)
    assert not judged(*many, struck, invented, concerned=[each.tenant_id for each in (*many, struck)]).is_forged


def test_calls_of_a_provider_that_nobody_refuses_do_not_make_up_for_one_that_is():
    assert not judged(caller(accepted=200), caller(provider="generic", accepted=900, usual=500.0, refused=0)).is_forged


def test_refusals_under_names_without_a_past_alone_are_forged_where_everybody_else_is_accepted_as_ever():
    assert judged(caller(refused=0), caller(provider="wp-login", accepted=0, usual=0.0)).is_forged


# --- senders ------------------------------------------------------------------------------------------------------

STRANGER, PROVIDER = Sender("203.0.113.7", 120, 0), Sender("198.51.100.4", 24, 212)
ASK_FIRST = ". One with accepted calls may be a provider's own: ask before it is blocked"


@pytest.mark.parametrize(
    ("senders", "words"),
    [
        pytest.param(RefusedSenders((), 0, 0, 0), "not known: the access log keeps no source address", id="nothing refused"),
        pytest.param(RefusedSenders((), 0, 9, 9), "not known: the access log keeps no source address", id="no address at all"),
        pytest.param(
            RefusedSenders((STRANGER,), 1, 120, 0),
            "1 address. 203.0.113.7: 120 of 120 refused calls (100%), none accepted",
            id="one that nothing is accepted of",
        ),
        pytest.param(
            RefusedSenders((STRANGER, PROVIDER), 2, 144, 0),
            "2 addresses. 203.0.113.7: 120 of 144 refused calls (83%), none accepted; "
            f"198.51.100.4: 24 of 144 refused calls (17%), 212 accepted{ASK_FIRST}",
            id="one that may be a provider's",
        ),
        pytest.param(
            RefusedSenders((STRANGER,), 4_001, 144, 4),
            "4001 addresses. 203.0.113.7: 120 of 144 refused calls (83%), none accepted; "
            "4000 more: 20 of 144 refused calls (14%); no address: 4 of 144 refused calls (3%)",
            id="more than are named, and calls without one",
        ),
    ],
)
def test_senders_are_told_with_their_share_and_whether_calls_of_theirs_are_accepted(senders, words):
    assert senders.in_words() == words
