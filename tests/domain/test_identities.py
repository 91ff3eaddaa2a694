"""A person is one user name, whether asking or answering; what can't be told apart is refused."""

import pytest

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.identities import AuthManager, Login, UserId, name_of_login, others_than, same_person, user_name

SIMPLE = AuthManager("SimpleAuthManager", UserId.NAME, ("Anonymous",))
FAB = AuthManager("FabAuthManager", UserId.NUMBER, ("Anonymous",))
KEYCLOAK = AuthManager("KeycloakAuthManager", UserId.SUBJECT, ("unknown",))
SUBJECT = "6f2f0d3c-5a52-4b8e-9f3e-0d1c2b3a4f5e"


@pytest.mark.parametrize(
    ("user_id", "manager"),
    [
        pytest.param("oncall", SIMPLE, id="SimpleAuthManager"),
        pytest.param("3", FAB, id="FAB"),
        pytest.param(SUBJECT, KEYCLOAK, id="Keycloak"),
        pytest.param(f"f:{SUBJECT}:oncall", KEYCLOAK, id="Keycloak, from a directory behind it"),
    ],
)
def test_whoever_asks_and_answers_is_one_name_under_each_auth_manager(user_id, manager):
    assert name_of_login(Login(user_id, "oncall"), manager) == user_name("oncall", manager) == "oncall"


@pytest.mark.parametrize(
    ("login", "manager"),
    [
        pytest.param(Login("3", "oncall"), SIMPLE, id="a number where the id is the name"),
        pytest.param(Login("oncall", "oncall"), FAB, id="a name where the id is a number"),
        pytest.param(Login("\u0663", "oncall"), FAB, id="a number that the user table has not"),
        pytest.param(Login("", "oncall"), FAB, id="no id"),
        pytest.param(Login("3", "oncall"), KEYCLOAK, id="a number where the id is Keycloak's"),
        pytest.param(Login(f"{SUBJECT}0", "oncall"), KEYCLOAK, id="one sign more than Keycloak's id"),
        pytest.param(Login("Oncall", "oncall"), SIMPLE, id="an id in another case"),
    ],
)
def test_an_answer_that_another_auth_manager_gave_is_no_ones(login, manager):
    with pytest.raises(SafetyRefusal, match="needed: the same auth manager for every Airflow component"):
        name_of_login(login, manager)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="none"),
        pytest.param(" ", id="a blank"),
        pytest.param("oncall ", id="a second account of oncall in a directory that ignores blanks"),
        pytest.param("on  call", id="two blanks inside"),
        pytest.param("oncall\u200b", id="a sign that nobody sees"),
        pytest.param("on\ncall", id="a line end"),
    ],
)
def test_a_name_that_looks_like_anothers_is_no_ones(name):
    for manager in (SIMPLE, FAB, KEYCLOAK):
        with pytest.raises(SafetyRefusal, match="not identified"):
            user_name(name, manager)


@pytest.mark.parametrize("name", ["ledger_guard", "Ledger_Guard", "nobody", "*"])
def test_no_one_is_the_guard_itself(name):
    with pytest.raises(SafetyRefusal, match="means the guard itself or no one"):
        user_name(name, FAB)


@pytest.mark.parametrize(("name", "manager"), [("Anonymous", SIMPLE), ("anonymous", FAB), ("unknown", KEYCLOAK)], ids=str)
def test_the_name_that_all_the_nameless_share_is_no_ones(name, manager):
    with pytest.raises(SafetyRefusal, match="users without their own name"):
        user_name(name, manager)


def test_a_name_that_is_nameless_elsewhere_is_a_name():
    assert user_name("unknown", FAB) == "unknown"


def test_a_user_whose_name_is_anothers_number_is_himself():
    assert name_of_login(Login("7", "3"), FAB) == "3"
    assert name_of_login(Login("3", "payments-lead"), FAB) == "payments-lead"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("Ren\u00e9e.Lead", id="case"),
        pytest.param("renee.lead", id="accents"),
        pytest.param("rene\u0301e.lead", id="an accent of its own"),
        pytest.param("ren\u00e9e. lead", id="blanks"),
        pytest.param("ren\u00e9e.\u200dlead", id="a sign that nobody sees"),
        pytest.param("\uff52en\u00e9e.lead", id="a wide letter"),
    ],
)
def test_two_accounts_of_one_directory_login_may_be_one_person(other):
    assert same_person("ren\u00e9e.lead", other)
    assert others_than(["ops-lead", other, "ops-lead"], "ren\u00e9e.lead") == ["ops-lead"]


@pytest.mark.parametrize("other", ["renee.lea", "renee.leads", "renee-lead", "renee.lead2", "", None])
def test_two_names_are_two_people(other):
    assert not same_person("renee.lead", other)
    assert not same_person(other, "renee.lead")


def test_two_missing_names_are_no_person():
    assert not same_person(None, None)
