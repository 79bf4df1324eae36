"""`python -m sidecar audit` as people and programs run it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from sidecar.record.archive import Archive

ROOT = Path(__file__).parents[3]
HOSTS = """
defaults: {cost_per_hour: 0.5, currency: EUR}
hosts:
  a.test: {command: {start: [a], stop: [b], status: [c]}, url: "http://127.0.0.1:1", aliases: [www.a.test]}
"""
EVENTS: list[dict[str, Any]] = [
    {"at": "2026-01-30T00:00:00Z", "host": "a.test", "kind": "found_stopped"},
    {"at": "2026-01-31T22:00:00Z", "host": "a.test", "kind": "wake_requested", "gate": "visit"},
    {"at": "2026-01-31T22:00:05Z", "host": "a.test", "kind": "woken", "took_s": 5.0},
    {"at": "2026-01-31T23:00:00Z", "host": "gone.test", "kind": "found_running"},
    {"at": "2026-02-01T00:00:00Z", "host": "a.test", "kind": "sleep_called_off", "reason": "used",
     "detail": "it was\x1b[31m used"},
    {"at": "2026-02-01T10:00:00Z", "host": "a.test", "kind": "slept", "evidence": {"last_used": None}},
]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "hosts.yaml").write_text(HOSTS)
    numbered = dict(enumerate(EVENTS, 1))
    Archive(tmp_path).put(
        {n: numbered[n] for n in (1, 2, 3, 4)}, [], datetime(2026, 2, 2, tzinfo=UTC)
    )
    newest = {"events": {str(n): numbered[n] for n in (1, 4, 5, 6)}}
    (tmp_path / "activity.json").write_bytes(msgspec.json.encode(newest))
    return tmp_path


def audit(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sidecar", "audit", *arguments], cwd=ROOT, check=False,
        env={**os.environ, "WAITROOM_DATA": str(data), "WAITROOM_HOSTS": str(data / "hosts.yaml")},
        capture_output=True, text=True,
    )  # fmt: skip


def test_a_program_gets_the_sums(data: Path) -> None:
    done = audit(data, "--until", "2026-02-02", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    [mine, gone] = json.loads(done.stdout)["hosts"]
    assert mine == {
        "host": "a.test", "wakes": 1, "awake_s": 43200.0, "asleep_s": 216000.0, "unknown_s": 0.0,
        "share_saved": 0.8333, "money_saved": 30.0, "currency": "EUR", "false_wakes": 1,
        "sleeps_called_off": 1, "failed_stops": 0,
    }  # fmt: skip
    assert (gone["host"], gone["awake_s"], gone["money_saved"]) == ("gone.test", 90000.0, None)


def test_a_host_that_is_gone_or_misspelt_is_said_and_told_all_the_same(data: Path) -> None:
    done = audit(data, "--host", "gone.test", "--until", "2026-02-02", "--format", "csv")
    assert done.returncode == 0
    assert done.stderr == "There is no host 'gone.test' now; told is what was recorded of it.\n"
    assert [row["host"] for row in csv.DictReader(done.stdout.splitlines())] == ["gone.test"]


def test_one_host_has_the_sums_that_it_has_among_all(data: Path) -> None:
    among_all = json.loads(audit(data, "--until", "2026-02-02", "--format", "json").stdout)
    for host in among_all["hosts"]:
        alone = audit(data, "--host", host["host"], "--until", "2026-02-02", "--format", "json")
        assert json.loads(alone.stdout)["hosts"] == [host]
    assert among_all["hosts"][1]["unknown_s"] == 47 * 3600


def test_a_pipe_gets_plain_text(data: Path) -> None:
    done = audit(data, "--until", "2026-02-02")
    head, mine, gone = done.stdout.splitlines()
    assert head.split()[:3] == ["host", "wakes", "awake"]
    assert "a.test" in mine
    assert "12h" in mine
    assert "2d 12h" in mine
    assert "83.3%" in mine
    assert "30.00 EUR" in mine
    assert gone.startswith("gone.test")


def test_a_spreadsheet_gets_csv(data: Path) -> None:
    lines = audit(data, "--until", "2026-02-02", "--format", "csv").stdout.splitlines()
    [mine, _] = csv.DictReader(lines)
    assert (mine["host"], mine["money_saved"], mine["currency"]) == ("a.test", "30.0", "EUR")


def test_a_window_and_a_host_by_any_name(data: Path) -> None:
    done = audit(data, "--host", "WWW.a.test", "--since", "2026-02-01", "--until", "2026-02-01T12:00:00Z", "--format", "json")  # fmt: skip
    [mine] = json.loads(done.stdout)["hosts"]
    assert (mine["wakes"], mine["awake_s"], mine["asleep_s"]) == (0, 36000.0, 7200.0)


def test_events_are_listed_once_each(data: Path) -> None:
    assert json.loads(audit(data, "--events", "--format", "json").stdout) == EVENTS
    lines = audit(data, "--events", "--host", "a.test").stdout.splitlines()
    assert len(lines) == 5
    assert "took_s=5.0" in lines[2]


def test_events_of_some_kinds(data: Path) -> None:
    arguments = ["--kind", "woken", "--kind", "slept", "--format", "csv"]
    [woken, slept] = csv.DictReader(audit(data, *arguments).stdout.splitlines())
    assert json.loads(woken["details"]) == {"took_s": 5.0}
    assert slept["kind"] == "slept"


def test_no_event_writes_control_characters(data: Path) -> None:
    for form in ("table", "json", "csv"):
        assert "\x1b" not in audit(data, "--events", "--format", form).stdout


def test_damage_is_one_line_and_the_rest_is_told(data: Path) -> None:
    (data / "archive" / "2026-01.json").write_bytes(b"{")
    done = audit(data, "--until", "2026-02-02", "--format", "json")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "2026-01.json" in done.stderr
    assert [host["host"] for host in json.loads(done.stdout)["hosts"]] == ["a.test", "gone.test"]


@pytest.mark.parametrize("arguments", [(), ("--events",), ("--since", "2026-02-01")])
@pytest.mark.parametrize("what", ["archive", "archive/2026-01.json", "activity.json"])
def test_what_can_not_be_read_is_one_line_and_no_success(
    data: Path, what: str, arguments: tuple[str, ...]
) -> None:
    path = data / what
    path.rename(data / "aside")
    if what == "archive":
        path.write_text("a file in the place of the folder")
    else:
        path.mkdir()
    done = audit(data, *arguments)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"Error: {path}: can't be read: ")


def test_without_a_good_hosts_yaml_all_but_the_money_is_told(data: Path) -> None:
    (data / "hosts.yaml").write_text("hosts: [")
    done = audit(data, "--until", "2026-02-02", "--format", "json")
    assert done.returncode == 1
    assert "hosts.yaml" in done.stderr
    assert json.loads(done.stdout)["hosts"][0]["awake_s"] == 43200.0


def test_a_list_of_all_events_needs_no_hosts_yaml(data: Path) -> None:
    (data / "hosts.yaml").unlink()
    done = audit(data, "--events")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(EVENTS)


def test_without_a_record_it_says_so(tmp_path: Path) -> None:
    done = audit(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing is recorded yet" in done.stderr


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("text", ["soon", "2026-13-01", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_wrong_usage(data: Path, option: str, text: str) -> None:
    done = audit(data, option, text)
    assert (done.returncode, option in done.stderr) == (2, True)


def test_who_reads_only_the_first_lines_sees_no_fault(data: Path) -> None:
    many = {"events": {str(n): EVENTS[0] for n in range(20_000)}}
    (data / "activity.json").write_bytes(msgspec.json.encode(many))
    with subprocess.Popen(
        [sys.executable, "-m", "sidecar", "audit", "--events"], cwd=ROOT,
        env={**os.environ, "WAITROOM_DATA": str(data), "WAITROOM_HOSTS": str(data / "hosts.yaml")},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as reader:  # fmt: skip
        assert reader.stdout
        assert reader.stderr
        reader.stdout.readline()
        reader.stdout.close()
        assert reader.stderr.read() == ""


def test_the_schema_in_the_repository_is_the_one_that_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "schema"], cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert done.stdout == (ROOT / "sidecar" / "activity.schema.json").read_text()
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))


def test_nobody_has_slept_in_the_future(data: Path) -> None:
    before = datetime.now(UTC)
    done = audit(data, "--until", "9999-01-01", "--host", "a.test", "--format", "json")
    told = json.loads(done.stdout)
    until = datetime.fromisoformat(told["until"])
    assert before <= until <= datetime.now(UTC)
    slept = (until - datetime(2026, 2, 1, 10, tzinfo=UTC)).total_seconds()
    assert told["hosts"][0]["asleep_s"] == pytest.approx(slept + 46 * 3600)


@pytest.mark.parametrize("document", [{}, {"host": ["a"], "kind": "slept"}, {"host": "a.test"}])
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_what_is_no_event_is_passed_over(data: Path, document: dict[str, Any], form: str) -> None:
    whole = json.loads((data / "activity.json").read_text())
    before = audit(data, "--events", "--format", form)
    whole["events"]["7"] = {"at": "2026-02-01T11:00:00Z", **document}
    (data / "activity.json").write_text(json.dumps(whole))
    after = audit(data, "--events", "--format", form)
    assert (after.returncode, after.stderr, after.stdout) == (0, "", before.stdout)


@pytest.mark.parametrize("ledger", [{"began": "x"}, {"accounts": [{"host": "a.test"}]}])
def test_of_a_month_whose_beginning_is_not_understood_the_months_before_tell(
    data: Path, ledger: dict[str, Any]
) -> None:
    path = data / "archive" / "2026-01.json"
    before = audit(data, "--since", "2026-02-01", "--until", "2026-02-02", "--format", "json")
    foreign = {"1": {"last_id": 4, "ledger": ledger}}
    path.write_text(json.dumps({**json.loads(path.read_text()), "opening": foreign}))
    after = audit(data, "--since", "2026-02-01", "--until", "2026-02-02", "--format", "json")
    assert (after.returncode, after.stderr, after.stdout) == (0, "", before.stdout)
