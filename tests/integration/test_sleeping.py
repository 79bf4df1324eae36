"""Going to sleep through the real Traefik: nobody is cut off, and nothing rests on a deaf log."""

from __future__ import annotations

import os
import random
import threading
import time

import pytest
import requests

from tests.integration.local import HOST, Local
from tests.support import eventually
from traefik.routes import render_shadow
from waitroom.locks import HostLocks


@pytest.fixture
def awake(local: Local) -> Local:
    """A stack whose app is awake and sleeps after two seconds."""
    local.start_awake()
    return local


def stays_awake(local: Local, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert local.app_runs()
        assert not (local.routes / f"{HOST}.asleep.yml").exists()
        time.sleep(0.1)


def test_an_unused_host_sleeps_and_says_on_what_that_rests(awake: Local) -> None:
    eventually(awake.is_asleep, within_s=25)
    eventually(lambda: awake.events("slept"))
    [slept] = awake.events("slept")
    assert slept["idle_s"] >= 2
    assert slept["evidence"]["connections"] == 0
    assert awake.get().headers["X-Waitroom"] == "asleep"


def test_a_host_sleeps_and_wakes_again_and_again(awake: Local) -> None:
    for _ in range(3):
        eventually(awake.is_asleep, within_s=25)
        awake.wake()
    eventually(lambda: len(awake.events("slept")) == 3, what="each is recorded")


def test_a_host_in_use_is_kept(awake: Local) -> None:
    for _ in range(30):
        assert awake.get().status_code == 200
        time.sleep(0.2)
    assert not awake.events("sleep_started")


@pytest.mark.parametrize("path", ["/slow?seconds=7", "/download?bytes=150000"])
def test_a_request_that_takes_longer_than_idle_after_is_not_cut_off(
    awake: Local, path: str
) -> None:
    answer = awake.get(path, timeout=30)
    assert answer.status_code == 200
    if "download" in path:
        assert len(answer.content) == 150_000
    assert not awake.events("sleep_started")
    eventually(awake.is_asleep, within_s=25)


def test_keeps_an_upstream_with_an_open_websocket(awake: Local) -> None:
    with awake.websocket():
        eventually(lambda: "connections" in awake.reasons(), within_s=15)
        stays_awake(awake, 2)
    eventually(awake.is_asleep, within_s=25)


def test_a_visitor_in_the_middle_of_draining_goes_on_to_the_app(awake: Local) -> None:
    """The waiting room's side alone: a shadow that drains, and a visitor with a body."""
    awake.end("sidecar")
    shadow = awake.routes / f"{HOST}.draining.yml"
    shadow.write_text(_shadow())
    eventually(lambda: awake.get("/.waitroom/canary/x").status_code == 204, what="shadowed")
    answer = awake.get("/echo", method="POST", data=b"x" * 100_000)
    assert answer.status_code == 307
    assert answer.headers["Location"] == "/echo"
    assert not shadow.exists()
    again = awake.get(answer.headers["Location"], method="POST", data=b"x" * 100_000)
    assert (again.status_code, len(again.content)) == (200, 100_000)


def _shadow() -> str:
    return render_shadow([HOST])


def test_visitors_who_keep_coming_during_drains_never_meet_an_error(awake: Local) -> None:
    """Visits at just the pace of idle_after, so that most sleeps begin under one."""
    statuses = set()
    for _ in range(6):
        time.sleep(2.0)
        answer = awake.get()
        hops = 0
        while answer.status_code == 307 and hops < 5:
            answer, hops = awake.get(answer.headers["Location"]), hops + 1
        statuses.add(answer.status_code)
        awake.wake()
    assert statuses <= {200, 503}


def test_nothing_sleeps_while_the_waiting_room_is_down(awake: Local) -> None:
    awake.end("waitroom")
    eventually(lambda: "not_shadowed" in awake.reasons(), within_s=25)
    assert awake.app_runs()
    assert not list(awake.routes.glob("*.asleep.yml"))
    assert "the waiting room must run" in awake.log("sidecar")


def test_nothing_sleeps_where_traefiks_connections_cannot_be_seen(awake: Local) -> None:
    """As in another network namespace: the connection that the canary has used is not there."""
    awake.end("sidecar")
    awake.environment["WAITROOM_URL"] = "http://127.0.0.1:9"
    awake.start("sidecar")
    eventually(lambda: "not_observed" in awake.reasons(), within_s=25)
    assert awake.app_runs()
    # It is tried again, and then it drains for a moment.
    eventually(lambda: not list(awake.routes.glob("*.draining.yml")), what="it does not drain")


def test_nothing_sleeps_while_the_waiting_room_holds_the_lock_for_a_wake(awake: Local) -> None:
    with HostLocks(awake.data).hold(HOST) as ours:
        assert ours
        eventually(lambda: "waking" in awake.reasons(), within_s=25)
        assert awake.app_runs()
    eventually(awake.is_asleep, within_s=25)


def test_nothing_sleeps_while_traefik_writes_its_log_elsewhere(local: Local) -> None:
    local.write_traefik(access_log=str(local.data / "elsewhere.log"))
    (local.data / "access.log").touch()
    local.start()
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep")
    local.wake()
    eventually(lambda: "not_read" in local.reasons(), within_s=25)
    assert local.app_runs()
    assert not list(local.routes.glob("*.asleep.yml"))


def test_nothing_sleeps_without_an_access_log(local: Local) -> None:
    local.write_traefik(access_log=str(local.data / "elsewhere.log"))
    local.start()
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep")
    local.wake()
    eventually(lambda: "nothing is put to sleep" in local.log("sidecar"), within_s=15)
    stays_awake(local, 4)


def test_a_killed_sidecar_leaves_nobody_draining(awake: Local) -> None:
    awake.end("sidecar", 9)
    (awake.routes / f"{HOST}.draining.yml").write_text(_shadow())
    awake.start("sidecar")
    eventually(lambda: not list(awake.routes.glob("*.draining.yml")))
    eventually(awake.is_asleep, within_s=25)


def test_a_stop_that_fails_is_tried_until_it_works(local: Local) -> None:
    flag = local.data / "may-stop"
    stop = [
        "sh",
        "-c",
        f"test -e {flag} && exec {' '.join(local.app_command('stop'))}; echo stuck; exit 1",
    ]
    local.hosts[HOST]["command"]["stop"] = stop
    local.write_hosts()
    local.start()
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep")
    local.wake()
    eventually(lambda: local.events("stop_failed"), within_s=25)
    assert "stuck" in local.events("stop_failed")[0]["detail"]
    flag.touch()
    eventually(lambda: local.events("slept"), within_s=60)
    eventually(local.is_asleep)


def requests_recorded(local: Local) -> int:
    return sum(host["requests"] for host in local.activity()["hosts"].values())


def test_sigterm_ends_the_sidecar_soon_and_with_all_that_was_read_committed(awake: Local) -> None:
    awake.get("/the-last")
    lines = (awake.data / "access.log").read_text().splitlines()
    asked = sum('"app.test@file"' in line and "canary" not in line for line in lines)
    eventually(lambda: requests_recorded(awake) >= asked, what="all of them are read")
    began = time.monotonic()
    assert awake.end("sidecar") == 0
    assert time.monotonic() - began < 5  # a second, with room for a busy machine
    assert requests_recorded(awake) == asked


def test_cycles_under_a_trickle_of_visitors_show_no_error_to_any_of_them(local: Local) -> None:
    """All the time, and at random moments of the seconds that an idle line takes to fall asleep.

    CYCLES=20 is the long form.
    """
    local.hosts[HOST]["idle_after"] = "1s"
    local.write_hosts()
    local.start()
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep")
    ended, busy, faults = threading.Event(), threading.Event(), []
    chance = random.Random(1)  # noqa: S311 - a seed, not a secret

    def visit() -> None:
        while not ended.is_set():
            try:
                answer = local.get()
            except requests.RequestException as error:
                faults.append(repr(error))
            else:
                if answer.status_code >= 500 and "X-Waitroom" not in answer.headers:
                    faults.append(f"{answer.status_code}")
            pause_s = 0.03 if busy.is_set() else chance.uniform(2.5, 6)
            ended.wait(pause_s)

    visitors = [threading.Thread(target=visit) for _ in range(2)]
    for visitor in visitors:
        visitor.start()
    try:
        for _ in range(int(os.environ.get("CYCLES", "3"))):
            busy.set()
            local.wake()
            stays_awake(local, 0.5)
            busy.clear()
            eventually(local.is_asleep, within_s=60)
    finally:
        ended.set()
        for visitor in visitors:
            visitor.join()
    assert faults == []


def test_a_shadow_that_can_not_be_written_leaves_the_host_awake(awake: Local) -> None:
    aside = awake.routes / ".new" / f"{HOST}.asleep.yml.tmp"
    aside.mkdir(parents=True, exist_ok=True)  # in the way, after the draining has become sleep
    eventually(lambda: "routes" in awake.reasons(), within_s=25)
    assert not list(awake.routes.glob(f"{HOST}.*.yml"))
    assert awake.app_runs()
