"""Following a folder whose files grow, and are renamed, emptied, copied, compressed and deleted."""

import gzip
import os
import shutil
from datetime import timedelta

import pytest
from access_lines import COMBINED_LINE, NOW, POLICY, line_events
from backports import zstd
from following import ELEVEN, Following, line, lines

from ledger_guard.adapters.access_log.log_folder import MOST_READERS
from ledger_guard.domain import access_events
from ledger_guard.domain.errors import SourceUnavailable, StaleVersionError
from ledger_guard.use_cases.ingest.followed_looks import Completeness

ZIPPED = [pytest.param(gzip.compress, ".gz", id="gzip"), pytest.param(zstd.compress, ".zst", id="zstd")]


@pytest.fixture
def following(tmp_path):
    return Following(tmp_path)


def test_what_is_new_is_read_once_whether_or_not_the_follower_was_started_again(following):
    for number in range(0, 60, 20):
        following.append(lines(number, number + 20))
        assert following.look().accepted == 20
        assert following.look().accepted == following.look().already_known == 0
        following.restart()
        found = following.look()
        assert (found.accepted, found.already_known) == (0, 0)
    assert following.seconds == list(range(60))
    assert following.results == [(60, 60, 0, 0)]


def test_a_last_line_is_left_until_it_is_whole(following):
    text = line(1)
    for part in (line(0) + text[:60], text[60:-1]):
        following.append(part)
        assert following.look().rejected == 0
    assert following.seconds == [0]
    following.append("\n")
    following.look()
    assert (following.seconds, following.results) == ([0, 1], [(2, 2, 0, 0)])


def test_a_last_line_counts_without_its_end_once_nobody_wrote_for_an_hour(following):
    following.append(line(0) + line(1)[:-1], written_at=NOW - timedelta(seconds=3_599))
    following.look()
    assert following.seconds == [0]
    following.later(seconds=1)
    following.look()
    assert following.seconds == [0, 1]
    following.look()
    assert following.results == [(2, 2, 0, 0)]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_renamed_file_is_read_on_and_the_new_one_from_its_beginning(following, restarts):
    following.append(lines(0, 20))
    following.look()
    following.append(lines(20, 25))
    (following.folder / "access.log").rename(following.folder / "access.log.1")
    following.append(lines(25, 50))
    if restarts:
        following.restart()
    found = following.look()
    assert (found.accepted, found.already_known, found.lost) == (30, 0, [])
    assert sorted(following.seconds) == list(range(50))
    assert sorted(following.results) == [(25, 25, 0, 0), (25, 25, 0, 0)]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("copied_unread", [0, 5])
def test_copytruncate_loses_nothing_that_the_copy_holds(following, restarts, copied_unread):
    following.append(lines(0, 20))
    following.look()
    following.append(lines(20, 20 + copied_unread))
    log = following.folder / "access.log"
    shutil.copy(log, following.folder / "access.log.1")
    following.touch("access.log.1", NOW - timedelta(seconds=5))
    os.truncate(log, 0)
    following.append(lines(50, 70))
    if restarts:
        following.restart()
    found = following.look(is_last=True)
    assert (found.accepted, found.already_known, found.lost) == (20 + copied_unread, 0, [])
    assert sorted(following.seconds) == [*range(20 + copied_unread), *range(50, 70)]
    assert following.look(is_last=True).lost == []


def test_a_file_that_is_empty_when_it_is_looked_at_gives_its_place_to_its_copy(following):
    following.append(lines(0, 20) + line(20)[:50])
    following.look()
    following.append(line(20)[50:])
    shutil.copy(following.folder / "access.log", following.folder / "access.log.1")
    os.truncate(following.folder / "access.log", 0)
    following.look()
    following.append(lines(30, 35))
    found = following.look(is_last=True)
    assert (found.accepted, found.lost) == (5, [])
    assert sorted(following.seconds) == [*range(21), *range(30, 35)]
    assert len(following.results) == 2


@pytest.mark.parametrize("restarts", [False, True])
def test_a_file_that_lost_its_end_is_read_again_so_that_no_new_line_is_missed(following, restarts):
    following.append(lines(0, 20) + "noise\n")
    following.look()
    os.truncate(following.folder / "access.log", len(lines(0, 17)))
    following.append(lines(30, 33))
    if restarts:
        following.restart()
    found = following.look()
    assert (found.accepted, found.already_known, found.rejected, found.lost) == (3, 17, 0, [])
    following.append(lines(33, 36))
    assert (following.look().accepted, following.look().held) == (3, [])


@pytest.mark.parametrize("first_is_there", [True, False])
def test_files_that_only_begin_alike_are_all_read(following, first_is_there):
    following.append(lines(0, 9) + lines(10, 20), "first.log")
    following.look()
    if not first_is_there:
        (following.folder / "first.log").unlink()
    following.append(lines(0, 9) + lines(50, 70), "second.log")
    found = following.look()
    assert (found.accepted, found.already_known) == (20, 9)


def test_a_copy_that_missed_what_was_read_before_the_file_was_emptied_is_no_new_file(following):
    following.append(lines(0, 20) + "noise\n")
    log = following.folder / "access.log"
    shutil.copy(log, following.folder / "copy")
    following.append(lines(20, 25))
    following.look()
    os.truncate(log, 0)
    (following.folder / "copy").rename(following.folder / "access.log.1")
    found = following.look(is_last=True)
    assert (found.accepted, found.already_known, found.rejected, found.lost) == (0, 0, 0, [])
    following.restart()
    assert following.look(is_last=True).rejected == 0


def test_a_copy_while_the_file_goes_on_is_no_new_file(following):
    following.append(lines(0, 20) + "noise\n")
    following.look()
    shutil.copy(following.folder / "access.log", following.folder / "access.log.1")
    following.append(lines(20, 25))
    found = following.look()
    found = following.look()
    assert found.rejected == 0
    assert sorted(following.seconds) == list(range(25))
    assert following.results == [(26, 25, 0, 1)]


def test_a_file_that_was_emptied_and_has_grown_beyond_its_place_is_read_from_its_beginning(following):
    following.append(lines(0, 20))
    following.look()
    os.truncate(following.folder / "access.log", 0)
    following.append(lines(100, 150))
    assert following.look().accepted == 50


def test_a_writer_that_keeps_its_place_in_an_emptied_file_leaves_a_hole_that_is_passed(following):
    following.append(lines(0, 20))
    following.look()
    size = (following.folder / "access.log").stat().st_size
    for start in (100, 200):
        (following.folder / "access.log").write_bytes(b"\0" * size + lines(start, start + 5).encode())
        assert following.look().accepted == 5
        size = (following.folder / "access.log").stat().st_size


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(("packed", "ending"), ZIPPED)
@pytest.mark.parametrize("unread", [0, 30])
def test_a_file_that_was_compressed_after_it_was_read_is_read_on_and_not_again(following, packed, ending, unread, restarts):
    following.append(lines(0, 30) + "noise\n")
    following.look()
    following.append(lines(30, 30 + unread))
    log = following.folder / "access.log"
    (following.folder / f"access.log.1{ending}").write_bytes(packed(log.read_bytes()))
    log.unlink()
    if restarts:
        following.restart()
    found = following.look(is_last=True)
    assert (found.accepted, found.already_known, found.rejected, found.lost) == (unread, 0, 0, [])
    for _ in range(2):
        following.restart()
        found = following.look(is_last=True)
        assert (found.accepted, found.already_known, found.rejected) == (0, 0, 0)
    assert following.results == [(31 + unread, 30 + unread, 0, 1)]


@pytest.mark.parametrize(("packed", "ending"), ZIPPED)
def test_compressing_is_waited_for_beside_the_original_and_alone(following, packed, ending):
    following.append(lines(0, 40))
    following.look()
    whole = packed((following.folder / "access.log").read_bytes())
    half = following.folder / f"access.log.1{ending}"
    half.write_bytes(whole[: len(whole) // 2])
    following.touch(half.name)
    assert following.look().held == []
    half.write_bytes(whole)
    (following.folder / "access.log").unlink()
    found = following.look()
    assert (found.accepted, found.already_known, found.held, found.lost) == (0, 0, [], [])
    other = following.folder / f"other{ending}"
    other.write_bytes(packed(lines(100, 200).encode())[:-20])
    following.touch(other.name)
    found = following.look()
    assert (found.held, found.is_unfinished, found.complete_through) == ([], True, None)
    other.write_bytes(packed(lines(100, 200).encode()))
    following.look()
    assert sorted(following.seconds) == [*range(40), *range(100, 200)]


@pytest.mark.parametrize(("packed", "ending"), ZIPPED)
def test_a_compressed_file_that_stays_cut_off_is_told_after_a_minute_and_the_rest_goes_on(following, packed, ending):
    broken = following.folder / f"broken{ending}"
    broken.write_bytes(packed(os.urandom(200_000).hex().encode())[:-20])
    following.touch(broken.name)
    following.append(lines(0, 600))
    assert (following.look().held, following.seconds) == ([], list(range(600)))
    following.later(seconds=59)
    assert following.look().held == []
    following.later(seconds=1)
    (words,) = following.look().held
    assert "broken" in words
    assert "allowed" in words
    following.append(lines(600, 610))
    found = following.look()
    assert (found.accepted, found.held, found.complete_through) == (10, [words], None)
    broken.unlink()
    found = following.look()
    assert (found.held, found.complete_through) == ([], ELEVEN + timedelta(minutes=5))


def test_a_file_that_is_gone_before_its_end_is_told_once_and_recorded(following):
    following.append(lines(0, 20) + line(20)[:30])
    following.look()
    (following.folder / "access.log").unlink()
    following.append(lines(30, 40), "other.log")
    assert following.look().lost == []
    (words,) = following.look().lost
    assert "gone or emptied before it was read to its end" in words
    assert following.look().lost == []
    with following.world.deps.state.transaction() as state:
        (told,) = [entry.event.detail for entry in state.audit.entries() if "seen_bytes" in entry.event.detail]
    assert told["seen_bytes"] - told["read_bytes"] == 30


@pytest.mark.parametrize(("packed", "ending"), ZIPPED)
def test_a_compressed_file_that_is_gone_before_it_was_read_to_its_end_is_told(following, packed, ending):
    broken = following.folder / f"broken{ending}"
    broken.write_bytes(packed(lines(0, 3_000).encode())[:-20])
    assert len(following.look(is_last=True).held) == 1
    assert following.results[0][0] > 0
    broken.unlink()
    assert ["gone or emptied" in words for words in following.look(is_last=True).lost] == [True]


def test_a_file_that_was_read_to_its_end_may_go(following):
    following.append(lines(0, 20))
    following.look()
    (following.folder / "access.log").unlink()
    assert [following.look(is_last=True).lost for _ in range(3)] == [[], [], []]


def test_a_folder_that_vanishes_is_told_and_holds_completeness_until_it_is_back(following, tmp_path):
    following.append(lines(0, 20))
    following.look()
    away = tmp_path.parent / f"{tmp_path.name}-away"
    tmp_path.rename(away)
    (words,) = following.look().held
    assert "can't be followed (No such file or directory)" in words
    away.rename(tmp_path)
    following.append(lines(20, 500))
    found = following.look()
    assert (found.accepted, found.held, found.complete_through) == (480, [], ELEVEN + timedelta(minutes=5))


@pytest.mark.parametrize(("many", "is_told"), [(49, False), (50, True)])
def test_a_log_of_which_nothing_can_be_used_is_told_and_holds_completeness(following, many, is_told):
    following.append(lines(0, 400))
    following.append("noise\n{}\n" * (many // 2) + "noise\n" * (many % 2), "error.jsonl")
    following.follower._folder._format = "jsonl"
    found = following.look()
    assert found.accepted == 400
    assert (len(found.held) == 1, found.complete_through is None) == (is_told, is_told)
    if is_told:
        assert "error.jsonl: none of its lines could be used as ingress_json: line 1: is not JSON" in found.held[0]


@pytest.mark.parametrize(("rejects", "is_given_up"), [(20, False), (21, True)])
def test_a_file_that_is_mostly_no_log_is_given_up_and_told(following, monkeypatch, rejects, is_given_up):
    monkeypatch.setattr(access_events, "MOST_REJECTS", 20)
    following.append(line(0) + "noise\n" * rejects, "mixed.log")
    following.append(lines(0, 400))
    assert [("given up" in words) for words in following.look().held] == [True] * is_given_up
    following.append("noise\n" + line(401), "mixed.log")
    following.restart()
    found = following.look()
    assert (found.rejected, len(found.held)) == ((0, 1) if is_given_up else (1, 1))


@pytest.mark.parametrize(
    ("newest", "through"),
    [(659, 300), (660, 600), (661, 600)],
)
def test_complete_is_what_lies_the_bound_before_the_newest_line_in_whole_windows(following, newest, through):
    following.append(line(0) + line(newest))
    found = following.look()
    assert found.complete_through == following.store.complete_through == ELEVEN + timedelta(seconds=through)
    assert following.look().complete_through is None


def test_an_idle_log_is_complete_only_where_a_statement_allows_it(tmp_path):
    for idle, through in ((None, ELEVEN), (timedelta(seconds=120), NOW + timedelta(minutes=5))):
        folder = tmp_path / str(idle)
        folder.mkdir()
        following = Following(folder, completeness=Completeness(timedelta(seconds=60), idle))
        following.append(lines(0, 100))
        following.look()
        following.later(minutes=7)
        following.look()
        assert following.store.complete_through == through


def test_a_folder_without_files_is_never_complete(tmp_path):
    following = Following(tmp_path, completeness=Completeness(timedelta(0), timedelta(0)))
    assert following.look().complete_through is None


def test_nothing_is_complete_before_all_that_is_there_was_read(following):
    following.append(lines(0, 400), "a.log", NOW - timedelta(seconds=9))
    following.append(lines(0, 30), "b.log")
    answers = iter([False] * 59)
    found = following.look(stopped=lambda: next(answers, True))
    assert (found.is_unfinished, found.complete_through) == (True, None)
    assert following.look().complete_through == ELEVEN + timedelta(minutes=5)


def test_patterns_choose_files_and_hidden_ones_are_left(tmp_path):
    following = Following(tmp_path, places=[str(tmp_path / "access*")])
    following.append(lines(0, 5), "access.log")
    following.append(lines(5, 9), "error.log")
    following.look()
    assert following.seconds == list(range(5))
    everything = Following(tmp_path)
    everything.append(lines(10, 12), ".access.log.tmp")
    everything.look()
    assert sorted(everything.seconds) == list(range(9))


def test_equal_lines_without_ids_are_told_apart_after_a_restart(following):
    for _ in range(5):
        following.append(f"{COMBINED_LINE}\n" * 3)
        following.look()
        following.restart()
    assert following.results == [(15, 15, 0, 0)]


def test_equal_lines_are_told_apart_in_more_files_than_are_remembered(following):
    for _ in range(3):
        for number in range(MOST_READERS + 3):
            following.append(f"{COMBINED_LINE}\n".replace("casino_a", f"casino_{number}") * 2, f"{number}.log")
        following.look()
        assert len(following.follower._folder._readers) == MOST_READERS
    assert following.results == [(6, 6, 0, 0)] * (MOST_READERS + 3)


def test_a_line_that_is_too_long_is_one_reject_however_slowly_it_comes(following):
    following.append(line(0))
    for _ in range(4):
        following.append("x" * 50_000)
        assert following.look().rejected == 0
    following.append("\n" + line(1))
    found = following.look()
    assert (found.accepted, found.rejected) == (1, 1)
    assert following.results == [(3, 2, 0, 1)]


def test_a_line_in_parts_waits_for_its_last_part(following):
    head, tail = line(1)[:60], line(1)[60:]
    following.append(f"2026-03-01T11:00:00Z stdout F {line(0)}2026-03-01T11:00:01Z stdout P {head}\n")
    following.look()
    following.restart()
    following.append(f"2026-03-01T11:00:01Z stderr F {line(2)}")
    following.look()
    assert following.seconds == [0]
    following.append(f"2026-03-01T11:00:01Z stdout F {tail}")
    following.look()
    assert (sorted(following.seconds), following.results) == ([0, 1, 2], [(3, 3, 0, 0)])


def test_two_followers_of_one_folder_are_refused(following):
    following.append(lines(0, 5))
    other = Following(following.folder, following.store, following.world)
    other.look()
    following.look()
    following.append(lines(5, 9))
    other.look()
    with pytest.raises(StaleVersionError, match="another process follows it"):
        following.look()
    assert following.results == [(9, 9, 0, 0)]


def test_a_file_under_two_names_is_read_once(following):
    following.append(lines(0, 5))
    (following.folder / "current").symlink_to(following.folder / "access.log")
    assert following.look().accepted == 5
    assert following.results == [(5, 5, 0, 0)]


def test_unreadable_lines_before_a_files_first_event_are_placed_by_it(following):
    following.append(line(0)[:-2] + "\n" + line(30))
    following.look()
    (hiding,) = following.store.hiding
    assert hiding.near == ELEVEN + timedelta(seconds=30)
    following.look()
    assert len(following.store.hiding) == 1


@pytest.mark.parametrize("call", ["open", "stat"])
def test_a_file_that_may_not_be_read_is_told_and_holds_completeness_until_it_may(following, monkeypatch, call):
    following.append(lines(0, 400))
    following.append(lines(400, 420), "secret.log")
    plain = getattr(os, call)

    def refused(path, *arguments, **options):
        if str(path).endswith("secret.log"):
            raise PermissionError(13, "Permission denied")
        return plain(path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refused)
        found = following.look(is_last=True)
    assert (found.accepted, found.complete_through) == (400, None)
    (words,) = found.held
    assert "secret.log: " in words
    following.later(minutes=1)
    found = following.look()
    assert (found.accepted, found.held, found.complete_through) == (20, [], ELEVEN + timedelta(minutes=5))


def test_guard_state_that_is_away_costs_nothing_but_time(following, monkeypatch):
    following.append(lines(0, 30))
    plain = following.store.delivery

    def away():
        raise SourceUnavailable("guard state: away")

    calls = iter([plain, plain, away])

    def following_calls():
        return next(calls)()

    monkeypatch.setattr(following.store, "delivery", following_calls)
    with pytest.raises(SourceUnavailable):
        following.look()
    monkeypatch.setattr(following.store, "delivery", plain)
    found = following.look()
    assert (found.accepted, found.already_known, sorted(following.seconds)) == (23, 0, list(range(30)))


@pytest.mark.parametrize("known", [0, 20])
def test_a_file_that_is_renamed_between_seeing_and_reading_it_is_read_at_the_next_look(following, monkeypatch, known):
    folder, log = following.follower._folder, following.folder / "access.log"
    plain = folder.sights
    if known:
        following.append(lines(0, known))
        following.look()
    following.append(lines(known, 40))

    def seen_and_renamed():
        found = plain()
        log.rename(f"{log}.1")
        following.append(lines(100, 180))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(folder, "sights", seen_and_renamed)
        found = following.look()
    assert (found.accepted, found.is_unfinished, found.complete_through) == (0, True, None)
    found = following.look()
    assert (found.already_known, found.rejected, found.held) == (0, 0, [])
    assert sorted(following.seconds) == [*range(40), *range(100, 180)]


@pytest.mark.parametrize("is_given_up", [False, True])
def test_a_log_that_was_read_with_a_wrong_mapping_is_read_anew_with_the_right_one(following, monkeypatch, is_given_up):
    if is_given_up:
        monkeypatch.setattr(access_events, "MOST_REJECTS", 20)
    following.append(lines(0, 400))
    right = following.follower._folder._mappings
    following.follower._folder._mappings = {
        "jsonl": ("caddy", POLICY.access_log["caddy"], line_events(POLICY.access_log["caddy"]))
    }
    assert "none of its lines could be used as caddy" in following.look(is_last=True).held[0] or is_given_up
    following.restart()
    following.follower._folder._mappings = right
    found = following.look()
    assert (found.accepted, found.held, found.lost, found.complete_through) == (400, [], [], ELEVEN + timedelta(minutes=5))
    following.restart()
    following.append(lines(400, 405))
    found = following.look()
    assert (found.accepted, found.already_known, found.rejected) == (5, 0, 0)
    assert following.seconds == list(range(405))


def test_a_log_of_which_nothing_can_be_used_still_is_not_read_again(following):
    following.append("noise\n" * 60)
    following.follower._folder._format = "jsonl"
    following.look()
    following.restart()
    following.follower._folder._format = "jsonl"
    assert (following.look().rejected, len(following.look().held)) == (0, 1)


@pytest.mark.parametrize("there", ["logs/*.log", "logs"])
def test_a_place_without_any_file_is_told_and_holds_completeness_and_the_others_are_read(tmp_path, there):
    """Its mount may be gone, or its name mistyped; what the other places have does not stand for it."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "others").mkdir()
    following = Following(tmp_path / "others", places=[str(tmp_path / "others"), str(tmp_path / there)])
    following.append(lines(0, 400))
    found = following.look()
    assert (len(found.held), "has no file" in found.held[0], found.complete_through) == (1, True, None)
    assert found.accepted == 400
    (tmp_path / "logs" / "a.log").write_text(line(400))
    found = following.look()
    assert (found.accepted, found.held, found.complete_through) == (1, [], ELEVEN + timedelta(minutes=5))


def test_while_one_folder_is_away_the_others_are_read_and_nothing_counts_as_lost(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    following = Following(tmp_path / "a", places=[str(tmp_path / "a"), str(tmp_path / "b")])
    following.append(lines(0, 3) + line(3)[:20])
    (tmp_path / "b" / "b.log").write_text(line(10) + line(11)[:20])
    following.look()
    (tmp_path / "b").rename(tmp_path / "away")
    following.append(line(3)[20:] + line(4)[:20])
    looks = [following.look() for _ in range(3)]
    assert [(each.accepted, len(each.held), each.lost) for each in looks] == [(1, 1, []), (0, 1, []), (0, 1, [])]
    (tmp_path / "away").rename(tmp_path / "b")
    assert following.look().held == []
