from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sidecar.audits.explain import Explanation, as_text, explain
from tests.support import free_port
from waitroom.errors import Reason, UpstreamError, WaitroomError
from waitroom.locks import HostLocks
from waitroom.registry.document import parse
from waitroom.registry.hosts import Host
from waitroom.registry.settings import Settings
from waitroom.upstreams.base import Phase, Status

NOW = datetime.now(UTC)
LINE = b"a line of the log\n"


class Stack:
    """All that a sleep depends on, good for a sleep; tests spoil one thing each."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings.from_environment({"WAITROOM_DATA": str(folder)})
        self.phase = Phase.RUNNING
        self.fault: UpstreamError | None = None
        self.started_at = NOW - timedelta(hours=3)
        self.port = free_port()
        self.settings.routes.mkdir()
        self.settings.access_log.write_bytes(LINE)
        self.alive = folder / "sidecar.alive"
        self.alive.write_text((NOW - timedelta(hours=2)).isoformat())
        self.activity: dict[str, Any] = {"hosts": {}, "events": {}, "positions": {}}
        self.reads_to(len(LINE))
        self.used(NOW - timedelta(hours=1))

    def reads_to(self, offset: int) -> None:
        stat = self.settings.access_log.stat()
        at = {"log": "a", "path": "a", "device": stat.st_dev, "inode": stat.st_ino}
        self.activity["positions"] = {"1": {**at, "fingerprint": "", "offset": offset}}

    def used(self, at: datetime) -> None:
        counts = dict.fromkeys(("requests", "activity", "waiting", "bytes_out"), 1)
        by_status = dict.fromkeys(("other", "1xx", "2xx", "3xx", "4xx", "5xx"), 0)
        times = dict.fromkeys(("first_activity", "last_activity"), at)
        self.activity["hosts"]["1"] = {"host": "a.test", **counts, **times, "by_status": by_status}

    def event(self, kind: str, at: datetime, **fields: Any) -> None:
        events = self.activity["events"]
        events[str(len(events) + 1)] = {"at": at, "host": "a.test", "kind": kind, **fields}

    def connect(self, _host: Host) -> Stack:
        return self

    def status(self) -> Status:
        if self.fault:
            raise self.fault
        return Status(self.phase, self.started_at)

    def start(self) -> None:
        raise NotImplementedError

    stop = lacks = start  # type: ignore[assignment]

    def explain(self, name: str = "a.test") -> Explanation:
        path = self.settings.data / "activity.json"
        path.write_bytes(msgspec.json.encode(self.activity))
        app = {"docker": {"container": "app"}, "url": f"http://127.0.0.1:{self.port}"}
        hosts = parse({"hosts": {"a.test": {**app, "aliases": ["b.test"]}}})
        return explain(self.settings, hosts, self.connect, name, NOW)  # type: ignore[arg-type]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


def faults(explanation: Explanation) -> list[str]:
    return [step.name for step in explanation.conditions if not step.holds]


def found(explanation: Explanation, name: str) -> str:
    [text] = [step.found for step in explanation.conditions if step.name == name]
    return text


@pytest.mark.parametrize("name", ["a.test", "b.test", "A.TEST."])
def test_an_unused_host_would_sleep_by_any_of_its_names(stack: Stack, name: str) -> None:
    explanation = stack.explain(name)
    assert faults(explanation) == []
    assert explanation.would_sleep
    assert as_text(explanation).startswith("a.test: would be put to sleep now\n")


def test_a_host_in_use_says_for_how_long_and_from_when_on_it_may_sleep(stack: Stack) -> None:
    stack.used(NOW - timedelta(minutes=10))
    explanation = stack.explain()
    assert faults(explanation) == ["unused"]
    text = found(explanation, "unused")
    assert text.startswith("unused for 600 s, idle_after is 1800 s")
    assert f"may sleep from {NOW + timedelta(minutes=20):%Y-%m-%dT%H:%M:%SZ}" in text


def test_wakes_starts_and_gaps_in_the_log_are_signs_of_use_too(stack: Stack) -> None:
    stack.event("woken", NOW - timedelta(minutes=5))
    assert "unused for 300 s" in found(stack.explain(), "unused")
    stack.started_at = NOW - timedelta(minutes=4)
    assert "unused for 240 s" in found(stack.explain(), "unused")
    stack.event("log_gap", NOW - timedelta(minutes=3))
    assert "unused for 180 s" in found(stack.explain(), "unused")


def test_without_any_sign_it_is_idle_since_the_sidecar_watches(stack: Stack) -> None:
    stack.activity["hosts"] = {}
    stack.started_at = None  # type: ignore[assignment]
    assert "unused for 7200 s" in found(stack.explain(), "unused")


def test_a_stopped_upstream_has_nothing_to_stop(stack: Stack) -> None:
    stack.phase = Phase.STOPPED
    explanation = stack.explain()
    assert faults(explanation) == ["running"]
    assert explanation.verdict == "does not run"


def test_a_provider_that_does_not_answer_is_named(stack: Stack) -> None:
    stack.fault = UpstreamError(Reason.UNREACHABLE, "Docker does not answer")
    explanation = stack.explain()
    assert faults(explanation) == ["running"]
    assert "Docker does not answer" in explanation.verdict


@pytest.mark.parametrize("ago_s", [31, None])
def test_a_sidecar_that_gives_no_sign_of_life_puts_nothing_to_sleep(
    stack: Stack, ago_s: float | None
) -> None:
    stack.alive.unlink() if ago_s is None else os.utime(stack.alive, (0, NOW.timestamp() - ago_s))
    assert faults(stack.explain())[0] == "sidecar"


def test_a_log_that_is_not_read_to_its_end_is_a_reason(stack: Stack) -> None:
    with stack.settings.access_log.open("ab") as log:
        log.truncate(5 << 20)
    assert faults(stack.explain()) == ["log"]
    stack.activity["positions"] = {}
    assert "has not been read" in found(stack.explain(), "log")
    stack.settings.access_log.unlink()
    assert "No such file" in found(stack.explain(), "log")


def test_a_wake_under_way_is_a_reason_and_no_lock_is_left(stack: Stack) -> None:
    with HostLocks(stack.settings.data).hold("a.test"):
        assert faults(stack.explain()) == ["not waking"]
    assert faults(stack.explain()) == []


@pytest.fixture
def connection(stack: Stack) -> Iterator[None]:
    with (
        socket.create_server(("127.0.0.1", stack.port)) as app,
        socket.create_connection(app.getsockname()),
    ):
        yield


@pytest.mark.usefixtures("connection")
def test_an_open_connection_is_a_reason(stack: Stack) -> None:
    explanation = stack.explain()
    assert faults(explanation) == ["connections"]
    assert "1 connections to http://127.0.0.1" in explanation.verdict


@pytest.mark.usefixtures("connection")
def test_an_operators_wish_is_shown_and_by_force_it_outweighs_whoever_is_there(
    stack: Stack,
) -> None:
    visit = NOW - timedelta(minutes=1)
    stack.used(visit)
    stack.event("sleep_requested", visit + timedelta(seconds=30), by="ann", force=False)
    assert faults(stack.explain()) == ["connections"]
    assert "ann ordered it to sleep, and nobody came since" in found(stack.explain(), "unused")
    stack.event("sleep_requested", visit, by="bob", force=True)
    stack.event("kept", visit - timedelta(minutes=1), by="ann", until=NOW + timedelta(hours=1))
    stack.event("sleep_requested", visit, by="bob", force=True)
    assert faults(stack.explain()) == []
    assert "are open, but forced to sleep" in found(stack.explain(), "connections")
    assert "but forced to sleep" in found(stack.explain(), "not kept")


@pytest.mark.parametrize("shadow", ["draining", "asleep"])
def test_the_shadow_is_shown(stack: Stack, shadow: str) -> None:
    assert found(stack.explain(), "shadow").startswith("none")
    (stack.settings.routes / f"a.test.{shadow}.yml").touch()
    assert found(stack.explain(), "shadow").startswith(shadow)


def test_the_last_attempt_is_told(stack: Stack) -> None:
    assert "No attempt so far" in as_text(stack.explain())
    stack.event("slept", NOW - timedelta(hours=2))
    stack.event("sleep_called_off", NOW, reason="not_read", detail="the canary's line did not come")
    assert as_text(stack.explain()).endswith(": the canary's line did not come.")


def test_it_changes_nothing(stack: Stack) -> None:
    before = {path: path.stat().st_mtime_ns for path in stack.settings.data.rglob("*")}
    stack.explain()
    after = {path: path.stat().st_mtime_ns for path in stack.settings.data.rglob("*")}
    after.pop(stack.settings.data / "activity.json")  # written by the test itself
    assert after == before


def test_an_unknown_host_is_an_error(stack: Stack) -> None:
    with pytest.raises(WaitroomError, match=r"names no host 'c\.test'; did you mean 'a.test'\?"):
        stack.explain("c.test")


@pytest.mark.parametrize("table", ["hosts", "positions"])
def test_records_that_are_not_ours_are_an_error(stack: Stack, table: str) -> None:
    stack.activity[table] = {"1": {"foreign": 1}}
    with pytest.raises(WaitroomError, match="is not ours"):
        stack.explain()


@pytest.mark.parametrize("odd", [{"at": None}, {"kind": ["slept"]}, {"host": ["a.test"]}])
def test_what_is_no_event_is_passed_over(stack: Stack, odd: dict[str, Any]) -> None:
    whole = {"at": NOW, "host": "a.test", "kind": "slept"}
    stack.activity["events"] = {"1": {**whole, **odd}}
    assert "No attempt so far" in as_text(stack.explain())
