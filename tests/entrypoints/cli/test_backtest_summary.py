"""What `backtest` sums up. Readings are drawn one letter a window of five minutes: see `drawn`."""

import json

import pytest
from tests.entrypoints.cli.backtest_files import drawn

pytestmark = pytest.mark.usefixtures("readable_engine")

LULL = "." * 6
LONGER = "." * 7


@pytest.fixture
def summed_up(judge):
    def call(**tenants):
        code, err, _ = judge(drawn(**tenants), "--json")
        assert (code, err) == (0, "")
        return json.loads(judge.out)

    return call


def incidents(summary) -> dict[str, dict[str, int]]:
    return summary["incidents"]


def counted(isolated=(0, 0), widespread=(0, 0)):
    scopes = {"isolated": isolated, "widespread": widespread}
    return {scope: {"severe": severe, "mild": mild} for scope, (severe, mild) in scopes.items()}


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        pytest.param("....", counted(), id="healthy"),
        pytest.param("mmmm", counted((0, 1)), id="a run is one incident"),
        pytest.param("mSm", counted((1, 0)), id="as severe as its gravest verdict"),
        pytest.param(f"S{LULL}S", counted((1, 0)), id="a lull of 30 minutes joins"),
        pytest.param(f"S{LONGER}S", counted((2, 0)), id="35 minutes part"),
        pytest.param("S" + " " * 6 + "S", counted((1, 0)), id="no data is a lull too"),
        pytest.param("S" + "i" * 7 + "S", counted((2, 0)), id="too little traffic for long parts too"),
        pytest.param(f"m{LONGER}S", counted((1, 1)), id="each has its own severity"),
        pytest.param(f"S{LONGER}m", counted((1, 1)), id="and what was severe leaves nothing to the next"),
    ],
)
def test_alarms_of_a_tenant_make_incidents(summed_up, letters, expected):
    assert incidents(summed_up(a=letters)) == expected


def test_isolated_incidents_of_different_tenants_each_count(summed_up):
    summary = summed_up(a="SSSS", b=".SS.")
    assert incidents(summary) == counted((2, 0))
    assert summary["woken"] == 2


def test_a_widespread_incident_counts_once_over_its_tenants(summed_up):
    summary = summed_up(a="SSS.", b="mmm.", c=".mmm", d=".SS.")
    assert incidents(summary) == counted(widespread=(1, 0))
    assert summary["woken"] == 1


def test_widespread_alarms_join_over_a_lull_whoever_has_them(summed_up):
    a, b = f"m{LULL}.", f".{LULL}m"
    assert incidents(summed_up(a=a, b=a, c=a, d=b, e=b, f=b)) == counted(widespread=(0, 1))


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        pytest.param("Sm", (1, 0), id="severe at first"),
        pytest.param("mS", (1, 0), id="severe at last"),
        pytest.param(f"S{LONGER}m", (1, 1), id="severe, and then another one"),
    ],
)
def test_a_widespread_incident_is_as_severe_as_its_gravest_verdict(summed_up, letters, expected):
    assert incidents(summed_up(a=letters, b=letters, c=letters)) == counted(widespread=expected)


def test_widespread_alarms_part_when_the_lull_is_longer(summed_up):
    letters = f"m{LONGER}m"
    assert incidents(summed_up(a=letters, b=letters, c=letters)) == counted(widespread=(0, 2))


@pytest.mark.parametrize(
    ("letters", "isolated"),
    [
        pytest.param("." * 13 + "S........", (0, 0), id="only widespread"),
        pytest.param("." * 7 + "S" + LULL[1:] + "S........", (0, 0), id="own alarm 30 minutes before"),
        pytest.param("." * 6 + "S" + LULL + "S........", (1, 0), id="own alarm 35 minutes before stays its own"),
        pytest.param("." * 13 + "SSSSSSSS.", (0, 0), id="own alarms up to 30 minutes after"),
        pytest.param("." * 13 + "SSSSSSSSm", (0, 1), id="own alarm 35 minutes after is new"),
    ],
)
def test_a_tenants_own_alarms_around_a_widespread_incident_belong_to_it(summed_up, letters, isolated):
    others = "." * 13 + "S........"
    assert incidents(summed_up(a=letters, b=others, c=others)) == counted(isolated, (1, 0))


@pytest.mark.parametrize(
    ("letters", "severe", "mild"),
    [
        pytest.param(".m.", 0, 1, id="mild throughout"),
        pytest.param("Sm.", 1, 0, id="severe before it was widespread"),
        pytest.param(".mS", 1, 0, id="severe afterwards"),
    ],
)
def test_a_tenants_own_alarms_make_a_widespread_incident_severe(summed_up, letters, severe, mild):
    """Somebody is woken by them, whatever they turn out to belong to."""
    assert incidents(summed_up(a=letters, b=".m.", c=".m.")) == counted(widespread=(severe, mild))


def test_what_belonged_to_a_widespread_incident_leaves_nothing_to_the_tenants_next(summed_up):
    summary = summed_up(a=f"Sm{LONGER}m", b=f".m{LONGER}.", c=f".m{LONGER}.")
    assert incidents(summary) == counted((0, 1), (1, 0))


def test_an_incident_that_still_lasts_at_the_end_counts(summed_up):
    assert incidents(summed_up(a="...S", b="S...")) == counted((2, 0))


def test_someone_is_woken_by_severe_incidents_only_and_per_week(summed_up):
    day = "." * 288
    summary = summed_up(a=f"S{day[1:]}m{day[1:]}S{day[1:]}{day[1:]}.")
    assert (summary["woken"], summary["woken_per_week"]) == (2, 3.5)


@pytest.mark.parametrize(("windows", "a_week"), [pytest.param(287, None, id="under a day"), pytest.param(288, 7, id="a day")])
def test_what_is_shorter_than_a_day_says_nothing_of_a_week(summed_up, windows, a_week):
    assert summed_up(a="S" + "." * (windows - 1))["woken_per_week"] == a_week


def test_verdicts_are_counted_by_severity(summed_up):
    summary = summed_up(a="..mS", b="i  i", c="....")
    assert summary["verdicts"] == {"severe": 1, "mild": 1, "none": 6, "insufficient": 2, "no_data": 2}
    assert summary["no_data_share"] == pytest.approx(2 / 12, abs=1e-6)


def test_the_span_is_reported(summed_up):
    summary = summed_up(a="....")
    assert (summary["start"], summary["end"]) == ("2026-03-02T00:00:00Z", "2026-03-02T00:20:00Z")
    assert (summary["windows"], summary["window_minutes"], summary["tenants"]) == (4, 5, 1)


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        pytest.param("ii..", [], id="half is no majority"),
        pytest.param("iii.", ["a"], id="more than half"),
        pytest.param("ii.   ", ["a"], id="windows without data don't count"),
    ],
)
def test_tenants_mostly_without_enough_traffic_are_named(summed_up, letters, expected):
    assert summed_up(a=letters, other="." * len(letters))["insufficient_tenants"] == expected


def test_tenants_are_ranked_by_alarm_hours(summed_up):
    alarmed = summed_up(a="." * 12, b="S" * 6 + "." * 6, c="m" * 9 + "...", z="S" * 5 + "." * 7)["alarmed_tenants"]
    assert [each["tenant_id"] for each in alarmed] == ["c", "b", "z"]
    assert alarmed[1] == {"tenant_id": "b", "alarm_hours": 0.5, "severe_hours": 0.5, "isolated_incidents": 0}


def test_tenants_that_come_later_get_their_own_figures(summed_up):
    """Each new tenant moves those behind it in the engine's arrays."""
    summary = summed_up(z="SSSSSSSS", m="    SSSS", a="      m.")
    assert {each["tenant_id"]: each["alarm_hours"] for each in summary["alarmed_tenants"]} == pytest.approx(
        {"z": 8 / 12, "m": 4 / 12, "a": 1 / 12}, abs=1e-3
    )


def test_people_read_the_summary_on_stderr(judge):
    code, err, _ = judge(drawn(a="SSS...", b="iiii.."))
    assert (code, judge.out) == (0, "")
    assert err.startswith("T1: 6 windows of 5 minutes, 2 tenants; 5 none, 4 insufficient, 3 severe\n")
    assert "isolated incidents, severe                     1\n" in err
    assert "times someone is woken                         1\n" in err
    assert "most alarm hours: a 0.2 h (0.2 severe)\n" in err
    assert "too little traffic: b\n" in err
