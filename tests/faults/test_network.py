"""Networks that are cut, providers that are slow, and apps that don't behave.

FAULT_SLOW_S=10 FAULT_LONG_S=180 is the long form.
"""

from __future__ import annotations

import os
import time

import pytest
import requests

from tests.faults.stack import Stack, stays
from tests.support import eventually, free_port

SLOW_S = float(os.environ.get("FAULT_SLOW_S", "2.5"))
LONG_S = float(os.environ.get("FAULT_LONG_S", "4"))
HOST = "h0.test"


def test_without_traefik_nothing_sleeps_and_with_it_again_it_does(lone: Stack) -> None:
    awake(lone)
    lone.end("traefik")
    eventually(lambda: lone.events("sleep_called_off"), within_s=30)
    assert "Traefik does not answer" in lone.events("sleep_called_off")[-1]["detail"]
    assert lone.app_pid(HOST)
    assert not lone.is_shadowed(HOST)
    lone.start("traefik")
    lone.all_asleep()
    lone.demand_exact_counts()
    lone.demand_no_fault_of_ours()


def test_nothing_sleeps_while_traefik_can_not_reach_the_waiting_room(lone: Stack) -> None:
    lone.environment["WAITROOM_URL"] = f"http://127.0.0.1:{free_port()}"
    subject = lone.hosts[HOST]["command"]["start"]
    lone.run(subject)
    lone.start()
    eventually(lambda: "not_shadowed" in lone.reasons(), within_s=30)
    stays(lambda: lone.app_pid(HOST) and not lone.events("sleep_started"), for_s=3)
    # Between two attempts to drain it, in which its visitors are led to nobody.
    eventually(lambda: lone.app_answers(HOST), within_s=60)


@pytest.mark.timeout(120 + 20 * SLOW_S)
def test_a_slow_provider_makes_nobody_wait_long_and_its_host_wakes_and_sleeps(lone: Stack) -> None:
    commands = lone.hosts[HOST]["command"]
    commands["status"] = ["sh", "-c", f'sleep {SLOW_S}; exec "$@"', "slow", *commands["status"]]
    lone.write_hosts()
    lone.start()
    eventually(lambda: "X-Waitroom" in lone.get(host=HOST).headers)
    began = time.monotonic()
    answer = lone.get(host=HOST)
    assert time.monotonic() - began < 8, "a visitor waited for the provider"
    assert (answer.status_code, "X-Waitroom" in answer.headers) == (503, True)
    eventually(
        lambda: lone.get(host=HOST).headers["X-Waitroom"] == "asleep", within_s=30 + 5 * SLOW_S
    )
    lone.wake_host(HOST, within_s=30 + 5 * SLOW_S)
    eventually(lambda: lone.sleeps(HOST), within_s=30 + 10 * SLOW_S, what="it sleeps again")
    lone.demand_no_lost_wake()
    lone.demand_no_fault_of_ours()


def test_an_app_that_accepts_and_never_answers_fails_its_wake_says_so_and_is_stopped_again(
    lone: Stack,
) -> None:
    lone.hosts[HOST]["ready"] = {"timeout": "3s"}
    lone.write_hosts()
    lone.set_mood(HOST, "silent")
    lone.start()
    lone.all_asleep()
    lone.post_wake(lone.asked_token(HOST), HOST)
    eventually(lambda: lone.events("wake_failed"), within_s=30)
    assert lone.events("wake_failed")[0]["reason"] == "timeout"
    assert lone.get(host=HOST).headers["X-Waitroom"] == "failed"
    lone.demand_no_lost_wake()
    eventually(lambda: lone.sleeps(HOST), within_s=30, what="what runs for nobody is stopped")
    lone.set_mood(HOST, "well")
    lone.wake_host(HOST)
    lone.demand_no_fault_of_ours()


@pytest.mark.timeout(120 + 2 * LONG_S)
def test_an_app_that_needs_long_is_not_stopped_meanwhile(lone: Stack) -> None:
    """Its idle_after is a second, and its provider says that it runs."""
    lone.set_mood(HOST, f"late {LONG_S}")
    lone.start()
    lone.all_asleep()
    lone.post_wake(lone.asked_token(HOST), HOST)
    eventually(lambda: lone.app_pid(HOST))
    pid = lone.app_pid(HOST)
    eventually(lambda: lone.events("woken"), within_s=30 + LONG_S)
    [woken] = lone.events("woken")
    assert woken["took_s"] >= LONG_S
    assert pid == int((lone.home(HOST) / "app.pid").read_text()), "it was started twice"
    lone.all_asleep()
    lone.demand_no_fault_of_ours()


def test_the_visitors_of_an_app_that_flaps_see_honest_pages_until_it_is_well(lone: Stack) -> None:
    lone.set_mood(HOST, "flaps")
    lone.start()
    lone.all_asleep()
    cut_off = 0
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        try:
            answer = lone.get(host=HOST)
            ours = "X-Waitroom" in answer.headers and answer.status_code in (307, 503)
            assert ours or answer.status_code == 200, answer.text
            lone.try_to_wake(HOST)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            cut_off += 1
        time.sleep(0.1)
    lone.set_mood(HOST, "well")
    eventually(lambda: lone.app_pid(HOST) is None, what="the last that flapped has gone")
    assert cut_off <= lone.cut_off_by_crashes(HOST), "somebody else than the app cut them off"
    eventually(lambda: lone.try_to_wake(HOST), within_s=40, what="it wakes when it is well")
    lone.all_asleep()
    lone.demand_no_lost_wake()
    lone.demand_no_fault_of_ours()


def awake(stack: Stack) -> None:
    stack.start()
    stack.all_asleep()
    stack.wake_host(HOST)
