"""The record that real processes leave: complete, as its schema says, and silent about visitors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.integration.local import HOST, ROOT, Local
from tests.support import eventually

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0 somebody"
ADDRESS = "203.0.113.77"


def audited(local: Local, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "audit", "--format", "json", *arguments],
        cwd=ROOT, env=local.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def moment(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])


def kinds(local: Local) -> list[str]:
    return [event["kind"] for event in local.events() if event["host"] == HOST]


def test_what_was_done_can_be_audited(local: Local) -> None:
    local.hosts[HOST]["cost_per_hour"] = 3600.0
    local.write_hosts()
    local.start()
    eventually(lambda: "found_stopped" in kinds(local), what="found stopped")
    local.get(headers={"User-Agent": AGENT, "X-Forwarded-For": ADDRESS})
    local.wake()
    local.get("/somewhere", headers={"User-Agent": AGENT, "X-Forwarded-For": ADDRESS})
    eventually(lambda: local.events("slept"), within_s=25)
    local.end("sidecar", signal.SIGKILL)
    local.wake()
    local.start("sidecar")
    eventually(lambda: len(local.events("slept")) == 2, within_s=25)
    local.end("sidecar")

    [mine] = audited(local)["hosts"]
    assert (mine["wakes"], mine["failed_stops"]) == (2, 0)
    assert mine["awake_s"] > 4  # twice idle_after
    first, second = local.events("watch_started")
    [found] = local.events("found_stopped")  # until then nobody knew, and never after
    unknown_s = moment(found) - moment(first)
    assert mine["unknown_s"] == pytest.approx(unknown_s.total_seconds(), abs=0.001)
    assert mine["money_saved"] == round(mine["asleep_s"], 4)
    assert [event["kind"] for event in audited(local, "--kind", "slept")] == ["slept", "slept"]

    evidence = local.events("slept")[0]["evidence"]
    assert evidence["log"]["path"] == str(local.data / "access.log")
    assert evidence["log"]["offset"] > 0
    assert "unwatched_s" not in first
    assert second["unwatched_s"] > 0

    activity = local.activity()
    schema = json.loads((ROOT / "sidecar" / "activity.schema.json").read_bytes())
    jsonschema.Draft202012Validator(schema).validate(activity)
    by_hour = sum(sum(row["requests"]) for row in activity["hours"].values())
    assert by_hour == next(iter(activity["hosts"].values()))["requests"] > 0
    assert_silent(local.data)


def assert_silent(data: Path) -> None:
    """Nothing of ours names a visitor; the access log is Traefik's."""
    for path in [*data.glob("activity*"), data / "journal.jsonl", data / "sidecar.log"]:
        text = path.read_text(errors="replace")
        assert ADDRESS not in text
        assert "somebody" not in text
        assert "/somewhere" not in text


def test_a_host_that_fell_asleep_while_its_sidecar_died_is_seen_to_be_stopped(local: Local) -> None:
    local.start()
    local.wake()
    eventually(lambda: local.events("sleep_started"), within_s=25)
    local.end("sidecar", signal.SIGKILL)
    eventually(local.is_asleep, what="stopped, though nobody saw it")
    local.start("sidecar")
    eventually(lambda: kinds(local)[-1] in ("slept", "found_stopped"), within_s=25)


def test_a_host_that_has_just_come_is_counted_from_its_first_request_on(local: Local) -> None:
    local.start_awake()
    newcomers = [f"new{number}.test" for number in range(4)]
    for name in newcomers:
        always_runs = {do: ["true", name] for do in ("start", "stop", "status")}
        local.hosts[name] = local.host_keys(command=always_runs)
        local.write_hosts()
        eventually(lambda: local.get(host=name).status_code == 200, what=f"{name} has a route")  # noqa: B023 - awaited here

    def recorded() -> dict[str, int]:
        hosts = local.activity()["hosts"].values()
        return {count["host"]: count["requests"] for count in hosts if count["host"] != HOST}

    eventually(lambda: recorded() == dict.fromkeys(newcomers, 1), what="each is counted once")
