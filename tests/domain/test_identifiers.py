"""What may name a tenant."""

import pytest

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import TENANT_ID_MAX_CHARACTERS, checked_tenant_id, checked_uuid


@pytest.mark.parametrize(
    "tenant_id",
    [
        pytest.param("default_casino", id="slug"),
        pytest.param("3f1f8a5e-6d5a-4d0b-9f4e-0f6a5ce3f0b1", id="uuid text"),
        pytest.param("Riviera-Club.eu", id="upper case, dash and dot"),
        pytest.param("a", id="one character"),
        pytest.param("a" * TENANT_ID_MAX_CHARACTERS, id="as long as allowed"),
    ],
)
def test_a_tenant_id_is_taken_as_it_is(tenant_id):
    assert checked_tenant_id(tenant_id) == tenant_id


@pytest.mark.parametrize(
    ("candidate", "says"),
    [
        pytest.param("", "is empty", id="empty means all tenants to the platform's script"),
        pytest.param("%", "not allowed", id="pattern"),
        pytest.param("acme%", "not allowed", id="pattern behind a name"),
        pytest.param("o'hara", "not allowed", id="quote"),
        pytest.param('a"b', "not allowed", id="double quote"),
        pytest.param(" acme", "not allowed", id="space before"),
        pytest.param("acme ", "not allowed", id="space behind"),
        pytest.param("acme\n", "not allowed", id="line end behind"),
        pytest.param("*", "not allowed", id="the word for everywhere"),
        pytest.param("../etc", "not allowed", id="path"),
        pytest.param("a" * (TENANT_ID_MAX_CHARACTERS + 1), "has 129 characters", id="one longer than allowed"),
        pytest.param("a" * 10_000, "has 10000 characters", id="very long"),
        pytest.param(None, "not a text", id="nothing"),
        pytest.param(7, "not a text", id="number"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(candidate, says):
    with pytest.raises(BadInputError, match=says) as refused:
        checked_tenant_id(candidate)
    assert "allowed: 1 to 128" in str(refused.value)


def test_a_plan_id_is_a_uuid_in_any_spelling_and_comes_back_in_one():
    assert checked_uuid("3F1F8A5E6D5A4D0B9F4E0F6A5CE3F0B1", "plan") == "3f1f8a5e-6d5a-4d0b-9f4e-0f6a5ce3f0b1"


def test_another_plan_id_is_refused():
    with pytest.raises(BadInputError, match="plan: 'latest' is not an id"):
        checked_uuid("latest", "plan")
