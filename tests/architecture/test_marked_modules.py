"""A run by marks does not import a module that it runs nothing of, and leaves out nothing else."""

from __future__ import annotations

import pytest
from tests.marked_modules import leaves_nothing_of

WITHOUT = "not postgres and not airflow and not stack"


@pytest.mark.parametrize(
    "line",
    [
        "pytestmark = pytest.mark.postgres",
        "pytestmark = [pytest.mark.timeout(600), pytest.mark.stack]",
        "pytestmark = [\n    pytest.mark.airflow,\n    pytest.mark.timeout(600),\n]",
    ],
    ids=["one mark", "among others", "over several lines"],
)
def test_a_module_marked_as_a_whole_is_left_out(line):
    assert leaves_nothing_of(f"import psycopg\n\n{line}\n\n\ndef test_it(): pass\n", WITHOUT)


@pytest.mark.parametrize(
    "text",
    [
        "def test_it(): pass\n",
        "pytestmark = pytest.mark.usefixtures('postgres')\n",
        "pytestmark = []\n\n\n@pytest.mark.postgres\ndef test_it(): pass\n",
        "pytestmark = pytest.mark.timeout(9)\n\n\n@pytest.mark.postgres\ndef test_it(): pass\n",
        "@pytest.mark.postgres\ndef test_it(): pass\n\n\ndef test_other(): pass\n",
        "class TestIt:\n    pytestmark = pytest.mark.postgres\n",
    ],
    ids=["no mark", "another mark", "an empty list", "a test that is marked", "one of two tests", "a class"],
)
def test_a_module_of_which_a_test_may_run_is_not(text):
    assert not leaves_nothing_of(text, WITHOUT)


@pytest.mark.parametrize("expression", ["", "postgres", "not postgres or stack", "not (postgres and stack)"])
def test_whatever_is_asked_for_in_another_way_is_pytests_to_find(expression):
    assert not leaves_nothing_of("pytestmark = pytest.mark.postgres\n", expression)
