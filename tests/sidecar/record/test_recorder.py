"""The recorder: logs in, counts and events out, each line once."""

from __future__ import annotations

import errno
import gzip
import itertools
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinydb import TinyDB

import waitroom.journal
from sidecar.ingest import ingest
from sidecar.record.recorder import Recorder
from waitroom.errors import WaitroomError
from waitroom.journal import Journal
from waitroom.registry.document import parse
from waitroom.registry.hosts import Registry

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COMMAND = {"start": ["a"], "stop": ["b"], "status": ["c"]}


def registry(*names: str) -> Registry:
    hosts = {
        name: {"command": {**COMMAND, "start": [name]}, "url": "http://127.0.0.1:1"}
        for name in names
    }
    return parse({"hosts": hosts})


def line(number: int = 0, host: str = "a.test", **fields: Any) -> bytes:
    entry = {
        "DownstreamContentSize": 10,
        "DownstreamStatus": 200,
        "Duration": 1_000_000,
        "RequestCount": number,
        "RequestHost": host,
        "ServiceName": "app@file",
        "StartUTC": f"2026-01-02T03:00:{number % 60:02}.{number:09}Z",
    }
    return json.dumps({**entry, **fields}, separators=(",", ":")).encode() + b"\n"


class Case:
    """One folder with a log, and the recorder over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "logs" / "access.log"
        self.log.parent.mkdir()
        self.journal = folder / "journal.jsonl"
        self.canaries: list[str] = []
        self.now = NOW
        self.recorder = self.open()

    def open(self, *names: str, **options: Any) -> Recorder:
        self.recorder = Recorder(
            data=self.folder,
            access_log=self.log,
            registry=registry(*(names or ("a.test", "b.test"))),
            on_canary=self.canaries.append,
            now=lambda: self.now,
            **options,
        )
        return self.recorder

    def again(self) -> Recorder:
        """A new process after the old one has ended."""
        assert self.recorder.commit()
        self.recorder.close()
        return self.open()

    def crash(self) -> Recorder:
        """A new process after the old one was killed: nothing more was committed."""
        self.recorder.close()
        return self.open()

    def write(self, data: bytes, path: Path | None = None) -> None:
        with (path or self.log).open("ab") as file:
            file.write(data)

    def read(self) -> dict[str, Any]:
        while self.recorder.read():
            pass
        assert self.recorder.commit()
        return {doc["host"]: doc for doc in self.table("hosts")}

    def write_and_read_60_000_lines(self) -> None:
        """In six parts, each read and committed: what is released is released between them."""
        for start in range(0, 60_000, 10_000):
            self.write(b"".join(line(number) for number in range(start, start + 10_000)))
            self.read()

    def table(self, name: str) -> list[dict[str, Any]]:
        with TinyDB(self.folder / "activity.json", access_mode="r") as database:
            return [dict(doc) for doc in database.table(name)]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.table("events") if event["kind"] == kind]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    yield made
    made.recorder.close()


def test_what_is_in_the_log_is_in_the_file(case: Case) -> None:
    case.write(line(1) + line(2, DownstreamStatus=404) + line(3, "b.test"))
    hosts = case.read()
    assert hosts["a.test"] == {
        "host": "a.test",
        "requests": 2,
        "activity": 1,
        "waiting": 0,
        "first_activity": "2026-01-02T03:00:01.001000Z",
        "last_activity": "2026-01-02T03:00:01.001000Z",
        "by_status": {"1xx": 0, "2xx": 1, "3xx": 0, "4xx": 1, "5xx": 0, "other": 0},
        "bytes_out": 20,
    }
    assert hosts["b.test"]["requests"] == 1
    assert case.recorder.caught_up
    assert case.recorder.known.last_used("b.test") == datetime(2026, 1, 2, 3, 0, 3, 1000, UTC)


def test_a_restart_goes_on_where_the_other_ended(case: Case) -> None:
    case.write(line(1))
    case.read()
    case.again()
    case.write(line(2))
    assert case.read()["a.test"]["requests"] == 2
    assert case.recorder.known.last_used("a.test") == datetime(2026, 1, 2, 3, 0, 2, 1000, UTC)


def test_a_crash_before_the_commit_counts_nothing_twice(case: Case) -> None:
    case.write(line(1))
    case.read()
    case.write(line(2))
    case.recorder.read()
    case.crash()
    assert case.read()["a.test"]["requests"] == 2


def test_a_missing_log_is_a_state_and_no_error(case: Case) -> None:
    assert not case.recorder.read()
    assert not case.recorder.caught_up
    case.write(line(1))
    assert case.read()["a.test"]["requests"] == 1
    assert case.recorder.caught_up
    assert case.recorder.commit()


def test_with_a_journal_that_can_not_be_read_nothing_is_known_to_its_end(case: Case) -> None:
    case.write(line(1))
    case.read()
    assert case.recorder.caught_up
    case.journal.mkdir()  # an operator's order to keep a host awake may be in it
    case.read()
    assert not case.recorder.caught_up
    case.journal.rmdir()
    case.read()
    assert case.recorder.caught_up


def test_an_unregistered_host_is_only_a_total(case: Case) -> None:
    case.write(b"".join(line(number, f"{number}.evil") for number in range(100)))
    assert case.read() == {}
    assert case.table("totals") == [
        {"lines": 100, "bad": 0, "overlong": 0, "unregistered": 100, "lines_missing": 0}
    ]
    assert case.again().totals()["unregistered"] == 100


@pytest.mark.parametrize(
    "fields",
    [
        {"request_User-Agent": "waitroom-canary/abc"},
        {"RequestPath": "/.waitroom/canary/abc"},
        {"RequestPath": "/.waitroom/canary/abc?x=1"},
    ],
)
def test_a_canary_proves_only_what_the_waiting_room_answered(
    case: Case, fields: dict[str, Any]
) -> None:
    case.write(line(1, **fields))
    assert case.read() == {}
    assert case.canaries == []
    case.write(line(2, ServiceName="waitroom@file", **fields))
    assert case.read() == {}
    assert case.canaries == ["abc"]


def test_what_the_waiting_room_answers_is_no_activity(case: Case) -> None:
    case.write(line(1, ServiceName="waitroom@file", DownstreamStatus=503))
    assert case.read()["a.test"]["waiting"] == 1
    assert case.table("hosts")[0]["requests"] == 0
    assert case.recorder.known.last_used("a.test") is None


def test_a_journal_line_is_an_event_once(case: Case) -> None:
    event = {"at": "2026-01-02T03:00:00.5Z", "host": "a.test", "kind": "woken", "took_s": 1.5}
    case.write(json.dumps(event).encode() + b"\n\nnonsense\n{}\n", case.journal)
    case.read()
    case.again()
    case.read()
    assert case.table("events") == [event]
    assert case.recorder.known.last_woken("a.test") == datetime(2026, 1, 2, 3, 0, 0, 500_000, UTC)
    assert case.recorder.totals()["bad"] == 2


def test_what_the_waiting_room_put_aside_is_an_event_once(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waitroom.journal, "_LONG_BYTES", 1000)
    monkeypatch.setattr(waitroom.journal, "_ASKED_FOR_S", 0.0)
    journal = Journal(case.journal)
    begun_anew, size = 0, 0
    for number in range(100):
        journal.append("woken", "a.test", number=number)
        size, before = case.journal.stat().st_size, size
        begun_anew += size < before
        if number % 9 == 0:  # some were put aside before it was looked at
            case.read()
        if number % 23 == 0:
            case.crash()
    case.read()
    assert begun_anew > 5
    assert [event["number"] for event in case.table("events")] == list(range(100))
    assert case.recorder.totals()["bad"] == 0


def test_the_daemons_own_events_are_recorded(case: Case) -> None:
    case.recorder.record({"at": NOW, "host": "a.test", "kind": "found_running"})
    case.read()
    assert case.table("events") == [
        {"at": "2026-01-02T03:04:05Z", "host": "a.test", "kind": "found_running"}
    ]
    assert case.recorder.known.last_woken("a.test") == NOW


def test_a_second_sidecar_is_kept_out(case: Case) -> None:
    with pytest.raises(WaitroomError, match="another sidecar"):
        Recorder(
            data=case.folder, access_log=case.log, registry=registry(), on_canary=lambda _: None
        )


def test_a_log_time_in_the_future_is_now(case: Case) -> None:
    case.write(line(1, StartUTC="2099-01-01T00:00:00Z"))
    case.read()
    assert case.recorder.known.last_used("a.test") == NOW


def test_a_disk_that_refuses_loses_nothing(case: Case) -> None:
    case.write(line(1))
    case.read()
    obstacle = case.folder / "activity.json.tmp"
    obstacle.mkdir()
    case.write(line(2))
    case.recorder.read()
    assert not case.recorder.commit()
    assert not case.recorder.commit()
    obstacle.rmdir()
    assert case.read()["a.test"]["requests"] == 2


def test_a_canary_proves_nothing_before_its_line_is_recorded(case: Case) -> None:
    case.write(line(1))
    case.read()
    assert case.recorder.caught_up
    obstacle = case.folder / "activity.json.tmp"
    obstacle.mkdir()
    case.write(
        line(2, ServiceName="waitroom@file", **{"request_User-Agent": "waitroom-canary/abc"})
    )
    case.recorder.read()
    assert not case.recorder.commit()
    case.recorder.read()
    assert (case.canaries, case.recorder.caught_up) == ([], False)
    obstacle.rmdir()
    case.read()
    case.recorder.read()
    assert (case.canaries, case.recorder.caught_up) == (["abc"], True)


def test_a_damaged_file_is_kept_and_the_one_before_it_used(case: Case) -> None:
    case.write(line(1))
    case.read()
    case.write(line(2))
    case.read()
    case.recorder.close()
    (case.folder / "activity.json").write_bytes(b'{"hosts": {"1": ')
    case.open()
    assert not case.recorder.caught_up
    assert case.read()["a.test"]["requests"] == 2
    assert list(case.folder.glob("activity.json.damaged-*"))


def test_the_common_format_is_refused(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    case.write(b'10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 5 "-" "-" 1 ...\n')
    case.read()
    assert not case.recorder.caught_up
    assert "format: json" in caplog.text
    case.write(line(1))
    case.read()
    assert case.recorder.caught_up


def test_a_gap_in_the_log_counts_as_use_of_every_host(case: Case) -> None:
    case.write(line(1))
    case.read()
    case.recorder.close()
    case.log.unlink()
    case.write(line(2))
    case.open()
    assert case.read()["a.test"]["requests"] == 2
    [gap] = case.events("log_gap")
    assert gap["host"] == "*"
    assert case.recorder.known.last_used("a.test") == NOW
    assert case.recorder.known.last_used("b.test") == NOW
    assert case.again().known.last_used("b.test") == NOW


def test_a_reloaded_registry_keeps_what_was_counted(case: Case) -> None:
    case.write(line(1))
    case.read()
    case.recorder.adopt(registry("b.test"))
    case.write(line(2) + line(3, "b.test"))
    hosts = case.read()
    assert hosts["a.test"]["requests"] == 1
    assert hosts["b.test"]["requests"] == 1


def test_the_file_names_no_visitor(case: Case) -> None:
    secret = {"ClientHost": "203.0.113.9", "RequestPath": "/secret", "request_User-Agent": "Fox"}
    case.write(line(1, **secret))
    case.read()
    text = (case.folder / "activity.json").read_text()
    assert not any(value in text for value in secret.values())


def test_moments_are_ordered_by_their_end(case: Case) -> None:
    long = line(1, Duration=int(timedelta(minutes=2).total_seconds() * 1e9))
    case.write(long + line(5))
    case.read()
    assert case.recorder.known.last_used("a.test") == datetime(2026, 1, 2, 3, 2, 1, 0, UTC)


def test_the_folder_may_be_made_anew(case: Case) -> None:
    case.write(line(1))
    case.read()
    case.log.parent.rename(case.folder / "old")
    case.recorder.read()
    case.log.parent.mkdir()
    case.write(line(2))
    assert case.read()["a.test"]["requests"] == 2


def test_ingest_reads_rotated_files_too(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.write(line(1) + b"nonsense\n", case.log.with_name("access.log.1"))
    case.log.with_name("access.log.2.gz").write_bytes(gzip.compress(line(2, "b.test")))
    case.write(line(3))
    ingest(case.recorder)
    assert capsys.readouterr().out.startswith("4 lines, 1 bad, 2 hosts, ")
    assert {doc["host"]: doc["requests"] for doc in case.table("hosts")} == {
        "a.test": 2,
        "b.test": 1,
    }
    ingest(case.again())
    assert capsys.readouterr().out.startswith("0 lines, 0 bad, 2 hosts, ")


def test_ingest_says_when_there_is_no_log(case: Case) -> None:
    case.log.unlink(missing_ok=True)
    with pytest.raises(WaitroomError, match="can't be read"):
        ingest(case.recorder)


def test_ingest_reads_what_an_earlier_start_passed_over(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case.write(line(1), case.log.with_name("access.log.1"))
    case.write(line(2))
    assert case.read()["a.test"]["requests"] == 1
    ingest(case.again())
    assert capsys.readouterr().out.startswith("1 lines, ")
    assert case.read()["a.test"]["requests"] == 2


def test_a_log_that_lost_its_end_counts_nothing_twice(case: Case) -> None:
    case.write(b"".join(line(number) for number in range(10)))
    case.read()
    os.truncate(case.log, case.log.stat().st_size // 2)
    case.write(b"\n" + b"".join(line(number) for number in range(10, 30)))
    assert case.read()["a.test"]["requests"] == 30
    case.write(line(30))
    assert case.again().read() is False
    assert case.read()["a.test"]["requests"] == 31


def test_lines_that_are_missing_are_counted(case: Case) -> None:
    case.write(line(1) + line(2) + line(5) + line(1))
    case.read()
    case.again()
    case.write(line(2))
    case.read()
    assert case.table("totals")[0]["lines_missing"] == 2


def test_what_was_recorded_takes_no_disk(case: Case) -> None:
    case.read()
    case.recorder.close()
    case.open(release_log=True)
    written = 0
    for _ in range(30):
        case.write(b"".join(line(number) for number in range(written, written + 2000)))
        written += 2000
        assert case.read()["a.test"]["requests"] == written
    stat = case.log.stat()
    assert stat.st_size > 8_000_000
    if stat.st_blocks * 512 == stat.st_size:
        pytest.skip("this file system can't punch holes")
    assert stat.st_blocks * 512 < 4_000_000
    case.again()
    case.write(line(1))
    assert case.read()["a.test"]["requests"] == written + 1


def test_damage_counts_nothing_twice_that_was_released(case: Case) -> None:
    case.read()
    case.recorder.close()
    case.open(release_log=True)
    case.write_and_read_60_000_lines()
    case.recorder.close()
    (case.folder / "activity.json").write_bytes(b"")
    case.open()
    assert case.read()["a.test"]["requests"] == 60_000


def test_a_log_that_can_not_be_released_is_left_alone(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("sidecar.log.release.punch", refuse)
    case.read()
    case.recorder.close()
    case.open(release_log=True)
    case.write_and_read_60_000_lines()
    assert caplog.text.count("rotate it") == 1
    assert case.read()["a.test"]["requests"] == 60_000


_PIECES = st.lists(
    st.one_of(
        st.integers(1, 99).map(line),
        st.builds(lambda number, cut: line(number)[:cut], st.integers(1, 99), st.integers(0, 200)),
        st.sampled_from([b"\n", b"\xff", b"{}", b'{"', b"null\n", line(1, "b.test") * 2]),
        st.binary(max_size=30),
    ),
    max_size=20,
)


@settings(max_examples=50, deadline=None)  # each example opens two recorders
@given(pieces=_PIECES, data=st.data())
def test_any_bytes_cut_anywhere_give_the_same_counts(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], data: st.DataObject
) -> None:
    written = line(0) + b"".join(pieces) + b"\n"
    found = []
    for cuts in ([], sorted(data.draw(st.sets(st.integers(0, len(written)), max_size=5)))):
        case = Case(tmp_path_factory.mktemp("cut"))
        for start, end in itertools.pairwise([0, *cuts, len(written)]):
            case.write(written[start:end])
            case.read()
            case.again()
        hosts, totals = case.read(), case.recorder.totals()
        del totals["lines_missing"]  # an estimate, and these numbers are no Traefik's
        found.append((hosts, totals))
        case.recorder.close()
    assert found[0] == found[1]


# 8. Nothing is decided before the end of the backlog was reached once.


def test_a_long_backlog_is_not_caught_up_before_its_end(case: Case) -> None:
    case.read()
    case.write(b"".join(line(number) for number in range(5)) * 40_000)
    case.again()
    assert not case.recorder.caught_up
    while case.recorder.read():
        assert not case.recorder.caught_up
    assert case.recorder.caught_up


def test_events_go_on_to_a_webhook_from_where_an_earlier_process_left_off(case: Case) -> None:
    hook = "http://127.0.0.1:9/nobody"
    hosts = {"a.test": {"command": COMMAND, "url": "http://127.0.0.1:1"}}
    case.recorder.adopt(parse({"hosts": hosts, "webhooks": [{"url": hook, "kinds": ["slept"]}]}))
    case.recorder.record({"at": NOW, "host": "a.test", "kind": "slept"})
    case.recorder.record({"at": NOW, "host": "a.test", "kind": "woken"})
    case.read()
    [waiting] = case.table("webhooks")
    assert (waiting["url"], waiting["event"]["kind"]) == (hook, "slept")


def hours(case: Case) -> list[dict[str, Any]]:
    with TinyDB(case.folder / "activity.json", access_mode="r") as database:
        return [dict(document) for document in database.table("hours")]


def test_requests_stand_in_the_hour_in_which_they_began(case: Case) -> None:
    case.write(line(1) + line(2, StartUTC="2026-01-02T02:59:59Z", DownstreamStatus=404))
    case.read()
    [row] = hours(case)
    assert (row["host"], row["day"]) == ("a.test", "2026-01-02")
    assert row["requests"][2:4] == [1, 1]
    assert row["activity"][2:4] == [0, 1]


def test_a_line_that_comes_days_late_is_added_to_its_hour_in_the_archive(case: Case) -> None:
    late = line(1, StartUTC="2025-12-24T20:00:00Z")
    for _ in range(2):
        case.write(late)
        case.read()
        case.again()
    case.recorder.commit()
    archived = json.loads((case.folder / "archive" / "2025-12.json").read_bytes())["hours"]
    assert [row["requests"][20] for row in archived.values()] == [2]
    assert hours(case) == []


def late(number: int, host: str = "a.test") -> bytes:
    return line(number, host, StartUTC="2025-12-24T20:00:00Z")


def archived_requests(case: Case) -> dict[str, int]:
    assert hours(case) == []
    rows = json.loads((case.folder / "archive" / "2025-12.json").read_bytes())["hours"]
    return {row["host"]: sum(row["requests"]) for row in rows.values()}


def test_a_late_line_is_counted_once_though_its_commit_failed_and_a_kill_came(case: Case) -> None:
    case.write(late(1))
    case.read()
    assert archived_requests(case) == {"a.test": 1}
    case.write(late(2))
    in_the_way = case.folder / "activity.json.tmp"
    in_the_way.mkdir()
    case.now += timedelta(hours=1)  # the archive is kept once an hour
    while case.recorder.read():
        pass
    assert not case.recorder.commit()
    in_the_way.rmdir()
    case.crash()
    case.read()
    assert archived_requests(case) == {"a.test": 2}


def test_a_restart_between_late_lines_loses_none_of_another_host(case: Case) -> None:
    case.write(late(1) + late(2, "b.test"))
    case.read()
    case.write(late(3))
    case.read()  # that day stands here again, but of one host only
    case.again()
    case.write(late(4, "b.test"))
    case.read()
    assert archived_requests(case) == {"a.test": 2, "b.test": 2}


def test_what_holds_for_weeks_holds_when_it_was_archived_and_after_a_restart(case: Case) -> None:
    until = NOW + timedelta(days=25)
    said = [
        ("kept", "a.test"),
        ("found_running", "b.test"),
        ("kept", "c.test"),
        ("released", "c.test"),
    ]
    for kind, host in said:
        case.recorder.record({"at": NOW, "host": host, "kind": kind, "until": until})
    for days in range(21):
        case.now = NOW + timedelta(days=days)
        for kind in ("wake_requested", "woken", "slept"):
            case.recorder.record({"at": case.now, "host": "d.test", "kind": kind})
        case.recorder.commit()
    archived = json.loads((case.folder / "archive" / "2026-01.json").read_bytes())["events"]
    assert {kind for kind, _ in said} <= {event["kind"] for event in archived.values()}
    recorder = case.again()
    assert recorder.known.kept_until("a.test") == until
    assert recorder.known.kept_until("c.test") is None
    assert recorder.known.last_woken("b.test") == NOW
    assert len(case.events("slept")) == 2  # today's and yesterday's


def test_it_says_for_how_long_nobody_has_watched(case: Case) -> None:
    case.recorder.watch(None)
    case.recorder.watch(NOW - timedelta(minutes=5))
    case.recorder.commit()
    first, second = case.events("watch_started")
    assert "unwatched_s" not in first
    assert second["unwatched_s"] == 300.0


def test_what_was_told_by_a_clock_that_was_ahead_is_of_now_and_hides_no_hour(case: Case) -> None:
    case.recorder.watch(None)
    case.recorder.record({"at": NOW, "host": "a.test", "kind": "found_running"})
    case.read()
    ahead = NOW + timedelta(days=1500)
    event = {"at": ahead, "host": "b.test", "kind": "kept", "until": ahead + timedelta(hours=2)}
    case.write(msgspec.json.encode(event) + b"\n", case.journal)
    case.read()
    [kept] = case.events("kept")
    assert (kept["at"], kept["until"]) == ("2026-01-02T03:04:05Z", "2026-01-02T05:04:05Z")
    case.again().watch(NOW)
    case.now = NOW + timedelta(hours=2)
    case.recorder.commit()
    [row] = hours(case)
    assert sum(row["awake_s"]) == 2 * 3600 - 245  # up to the last full hour


def booted(case: Case) -> Recorder:
    """A new process after the machine was off."""
    assert case.recorder.commit()
    case.recorder.close()
    path = case.folder / "activity.json"
    document = json.loads(path.read_bytes())
    document["clock"]["1"]["boot_id"] = "another"
    path.write_text(json.dumps(document))
    return case.open()


def test_after_a_boot_it_says_whose_word_it_is_how_long_that_took(case: Case) -> None:
    case.recorder.watch(None)
    case.again().watch(NOW - timedelta(minutes=5))
    booted(case).watch(NOW - timedelta(minutes=5))
    case.recorder.commit()
    assert [event.get("rebooted") for event in case.events("watch_started")] == [None, None, True]
    assert case.events("clock_step") == []


def test_a_clock_that_a_boot_has_set_back_is_a_step(case: Case) -> None:
    case.write(line(StartUTC="2026-01-02T03:04:00Z"))
    case.recorder.read()
    recorder = booted(case)
    case.now = NOW - timedelta(hours=10)
    recorder.watch(NOW)
    recorder.commit()
    [step] = case.events("clock_step")
    assert step["step_s"] == -36000.0
    assert case.events("watch_started")[-1]["unwatched_s"] == 0
    assert recorder.known.last_used("a.test") == case.now
    case.now += timedelta(hours=1)
    assert recorder.known.last_used("a.test") == case.now - timedelta(hours=1)


def test_a_host_that_is_seen_stopped_is_recorded_once(case: Case) -> None:
    for _ in range(3):
        case.recorder.note_stopped("a.test")
        case.recorder.commit()
    case.again().note_stopped("a.test")
    case.recorder.commit()
    assert len(case.events("found_stopped")) == 1


def test_an_hour_is_told_when_it_is_over_although_nothing_happens(case: Case) -> None:
    case.recorder.watch(None)
    case.recorder.record({"at": NOW, "host": "a.test", "kind": "found_running"})
    case.recorder.commit()
    assert hours(case) == []
    case.now = NOW + timedelta(hours=1)
    case.recorder.commit()
    [row] = hours(case)
    assert row["awake_s"][3] == 55 * 60 + 55  # NOW is 03:04:05


def test_who_only_reads_the_logs_tells_no_time(case: Case) -> None:
    case.recorder.record({"at": NOW, "host": "a.test", "kind": "found_running"})
    case.now = NOW + timedelta(hours=1)
    case.recorder.commit()
    assert hours(case) == []


def test_what_was_counted_by_half_when_something_broke_is_counted_once(case: Case) -> None:
    case.write(line(1))
    case.read()
    month = case.folder / "archive" / "2025-11.json"
    month.mkdir(parents=True)  # can't be read, and the old line's day is there
    old = line(2, "b.test", StartUTC="2025-11-02T03:00:00.5Z")
    case.write(old + line(3) + line(4, "b.test"))
    with pytest.raises(WaitroomError, match="Is a directory"):
        case.recorder.read()
    case.recorder.close()
    month.rmdir()
    case.open()
    found = case.read()
    assert (found["a.test"]["requests"], found["b.test"]["requests"]) == (2, 2)


def test_an_event_whose_commit_broke_half_way_is_recorded_once(case: Case) -> None:
    old = {"at": "2025-11-02T03:00:00Z", "host": "a.test", "kind": "found_running"}
    new = {"at": "2026-01-02T03:00:00Z", "host": "a.test", "kind": "found_stopped"}
    case.write(json.dumps(old).encode() + b"\n", case.journal)
    case.read()
    month = case.folder / "archive" / "2025-11.json"
    aside = month.rename(case.folder / "aside")
    month.mkdir()  # can't be read, and the time awake begins there
    case.write(json.dumps(new).encode() + b"\n", case.journal)
    while case.recorder.read():
        pass
    with pytest.raises(WaitroomError, match="Is a directory"):
        case.recorder.commit()
    case.recorder.close()
    month.rmdir()
    aside.rename(month)
    case.open()
    case.read()
    assert len(case.events("found_stopped")) == 1


def test_a_folder_in_the_archive_is_none_of_our_business(tmp_path: Path) -> None:
    (tmp_path / "archive" / "old").mkdir(parents=True)
    Case(tmp_path).recorder.close()


@pytest.mark.parametrize(
    ("table", "document"),
    [
        ("webhooks", {"id": 1}),
        ("numbering", {}),
        ("clock", {"boot_id": None}),
        ("totals", {"lines": "x"}),
        ("events", {"at": 3, "host": "a.test", "kind": "slept"}),
        ("events", {"at": "2020-01-01T00:00:00Z"}),
    ],
)
def test_what_is_not_ours_is_left_alone_and_said(
    tmp_path: Path, table: str, document: dict[str, Any]
) -> None:
    if "boot_id" in document:
        document = {"boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip()}
    foreign = json.dumps({table: {"1": document}})
    (tmp_path / "activity.json").write_text(foreign)
    with pytest.raises(WaitroomError, match="is not ours"):
        Case(tmp_path)
    assert (tmp_path / "activity.json").read_text() == foreign


def test_an_event_without_a_number_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "activity.json").write_text('{"events": {"x": {}}}')
    with pytest.raises(WaitroomError, match="is not ours"):
        Case(tmp_path)
