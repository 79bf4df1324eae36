"""What the sidecar's /metrics says of the recorder, over real files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from sidecar.metrics import Recording, Sleeps
from sidecar.record.recorder import Recorder
from tests.sidecar.record.test_recorder import line, registry
from tests.support import free_port
from waitroom.kinds import Kind
from waitroom.registry.hosts import Registry, Webhook


class Case:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "access.log"
        self.log.touch()
        self.hosts: Registry = registry("a.test", "b.test")
        self.open()

    def open(self) -> None:
        self.measured = CollectorRegistry()
        self.recorder = Recorder(
            data=self.folder,
            access_log=self.log,
            registry=self.hosts,
            on_canary=lambda _: None,
            on_event=Sleeps(self.measured, lambda: self.hosts).add,
        )
        self.measured.register(Recording(lambda: self.hosts, self.recorder, lambda: {"stop": 2}))

    def again(self) -> None:
        self.recorder.close()
        self.open()

    def read(self) -> None:
        while self.recorder.read():
            pass
        assert self.recorder.commit()

    def event(self, kind: str, host: str = "a.test", **fields: str) -> None:
        event = {"at": "2026-01-02T03:00:00Z", "host": host, "kind": kind, **fields}
        with (self.folder / "journal.jsonl").open("a") as file:
            file.write(json.dumps(event) + "\n")

    def value(self, name: str, **labels: str) -> float | None:
        return self.measured.get_sample_value(f"waitroom_{name}", labels)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    yield made
    made.recorder.close()


def test_requests_go_on_after_a_restart_and_events_begin_anew(case: Case) -> None:
    case.log.write_bytes(line(1) + line(2, DownstreamStatus=404))
    case.event("slept")
    case.read()
    assert case.value("sleeps_total", host="a.test") == 1
    case.again()
    assert case.value("requests_total", host="a.test") == 2
    assert case.value("activity_total", host="a.test") == 1
    assert case.value("sleeps_total", host="a.test") is None
    assert case.value("awake_seconds_total", host="a.test") == 0


def test_why_sleeps_were_called_off_and_stops_failed_is_counted(case: Case) -> None:
    case.event("sleep_called_off", reason="connections")
    case.event("stop_failed", reason="permission")
    case.event("stop_failed", reason="permission")
    case.read()
    labels = {"host": "a.test"}
    assert case.value("sleeps_called_off_total", **labels, reason="connections") == 1
    assert case.value("stops_failed_total", **labels, reason="permission") == 2


def test_a_host_that_is_gone_from_hosts_yaml_is_no_label(case: Case) -> None:
    case.log.write_bytes(line(1) + line(2, "b.test"))
    case.read()
    case.hosts = registry("b.test")
    case.recorder.adopt(case.hosts)
    case.event("slept")
    case.read()
    hosts = {
        sample.labels["host"]
        for family in case.measured.collect()
        for sample in family.samples
        if "host" in sample.labels
    }
    assert hosts == {"b.test"}


def test_what_is_not_read_yet_is_the_lag(case: Case) -> None:
    case.log.write_bytes(line(1))
    assert case.value("log_lag_bytes") == len(line(1))
    case.read()
    assert case.value("log_lag_bytes") == 0


def test_lines_that_tell_nothing_are_counted(case: Case) -> None:
    case.log.write_bytes(line(1) + b"no entry\n" + line(2, "stranger.test"))
    case.read()
    assert case.value("log_lines_total") == 3
    assert case.value("log_bad_lines_total") == 1
    assert case.value("log_unregistered_lines_total") == 1


def test_a_log_that_is_gone_or_a_disk_that_refuses_is_no_recording(case: Case) -> None:
    case.read()
    assert case.value("recording") == 1
    case.log.unlink()
    case.recorder.read()
    assert case.value("recording") == 0
    case.log.touch()
    case.read()
    assert case.value("recording") == 1
    blocked = case.folder / "activity.json.tmp"
    blocked.mkdir()
    case.log.write_bytes(line(1))
    case.recorder.read()
    assert not case.recorder.commit()
    assert (case.value("recording"), case.value("commits_failed_total")) == (0, 1)
    blocked.rmdir()
    case.read()
    assert case.value("recording") == 1


def test_a_gap_in_the_log_is_a_doubt(case: Case) -> None:
    case.log.write_bytes(line(1) + line(2))
    case.read()
    case.log.write_bytes(line(3, "another-first-line.test"))
    case.read()
    assert case.value("doubts_total", kind="log_gap") == 1


def test_what_no_webhook_has_taken_yet_is_told(case: Case) -> None:
    nobody = Webhook(f"http://127.0.0.1:{free_port()}", kinds=(Kind.SLEPT,))
    case.recorder.adopt(Registry(case.hosts.hosts, (nobody,)))
    case.event("slept")
    case.event("woken", took_s="1")
    case.read()
    assert case.value("webhook_events_waiting") == 1


def test_calls_to_the_api_are_told(case: Case) -> None:
    assert case.value("gce_calls_total", method="stop") == 2
