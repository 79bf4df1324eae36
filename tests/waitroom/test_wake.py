from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support import eventually
from tests.waitroom.fakes import FakeUpstream, a_host, a_vm
from traefik.folder import RouteFolder
from waitroom import bring_up
from waitroom.budgets import BudgetSpent, Proof, Wish
from waitroom.errors import Reason, UpstreamError
from waitroom.grants import Grants
from waitroom.hosts import Host, TotalBudget
from waitroom.journal import Journal, JournalError
from waitroom.locks import HostLocks
from waitroom.outcomes import Outcomes
from waitroom.stops import Stops
from waitroom.upstreams.base import Phase
from waitroom.view import Stage
from waitroom.wake import Waker

HOST = a_host(ready={"timeout": "2s"})
WISH = Wish(visitor="v", proof=Proof.WORK)


class World:
    """A waker between a fake upstream and real files."""

    def __init__(self, folder: Path) -> None:
        self.data = folder
        self.upstream = FakeUpstream()
        self.app_answers = True
        self.app_dies = False
        self.clock_s = 0.0
        self.total = TotalBudget()
        self.routes = RouteFolder(folder)
        self.journal = Journal(folder / "journal.jsonl")
        self.waker = self.new_waker()

    def new_waker(self) -> Waker:
        locks = HostLocks(self.data)
        self.outcomes = Outcomes(lambda: self.clock_s)
        return Waker(
            connect=lambda _: self.upstream,
            probe=self.probe,
            folder=self.routes,
            journal=self.journal,
            locks=locks,
            stops=Stops(self.routes, locks),
            outcomes=self.outcomes,
            grants=Grants(self.journal, self.routes, lambda: self.total),
        )

    def probe(self, _host: Host, _url: str) -> bool:
        if self.app_dies:
            self.upstream.phase = Phase.STOPPED
        return self.app_answers and not self.app_dies

    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.journal.events()]

    def wait(self, host: Host = HOST) -> None:
        eventually(lambda: self.waker.under_way(host.name) is None, what="the wake ends")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.routes.mark_asleep(HOST.names)
    return world


def test_starts_waits_for_the_app_and_hands_the_route_back(world: World) -> None:
    world.app_answers = False
    world.waker.wake(HOST, WISH)
    eventually(lambda: world.upstream.starts == 1)
    assert world.routes.shadow(HOST.name)
    world.app_answers = True
    world.wait()
    assert world.routes.shadow(HOST.name) is None
    assert world.kinds() == ["wake_requested", "woken"]
    assert world.outcomes.history.expected_s(HOST.name) is not None


def test_hundred_visitors_at_once_cause_one_start(world: World) -> None:
    world.app_answers = False
    threads = [threading.Thread(target=world.waker.wake, args=(HOST, WISH)) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.app_answers = True
    world.wait()
    assert world.upstream.starts == 1
    assert world.kinds() == ["wake_requested", "woken"]


def test_starts_nothing_when_the_journal_cannot_be_written(world: World) -> None:
    world.journal.path = world.data / "gone" / "journal.jsonl"
    with pytest.raises(JournalError):
        world.waker.wake(HOST, WISH)
    assert world.upstream.starts == 0
    assert world.waker.under_way(HOST.name) is None


@pytest.mark.parametrize(
    "reason", sorted(set(Reason) - {Reason.UNREACHABLE, Reason.CAPACITY, Reason.TIMEOUT})
)
def test_a_definite_no_of_the_provider_ends_the_wake(world: World, reason: Reason) -> None:
    world.upstream.fault = UpstreamError(reason, "no")
    world.waker.wake(HOST, WISH)
    world.wait()
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is reason
    assert world.kinds() == ["wake_requested", "wake_failed"]
    assert world.routes.shadow(HOST.name)


def test_a_provider_that_is_away_for_a_moment_is_waited_for(world: World) -> None:
    world.upstream.fault = UpstreamError(Reason.UNREACHABLE, "gone")
    world.waker.wake(HOST, WISH)
    world.upstream.fault = None
    world.wait()
    assert world.kinds() == ["wake_requested", "woken"]


def test_an_app_that_never_answers_is_a_timeout(world: World) -> None:
    world.app_answers = False
    world.waker.wake(a_host(ready={"timeout": "1s"}), WISH)
    world.wait()
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is Reason.TIMEOUT


def test_a_start_that_shows_late_is_not_repeated(world: World) -> None:
    world.upstream.phase_after_start = Phase.STOPPED
    world.waker.wake(HOST, WISH)
    eventually(lambda: world.upstream.looks > 5)
    assert world.upstream.starts == 1
    world.upstream.phase = Phase.RUNNING
    world.wait()
    assert world.kinds() == ["wake_requested", "woken"]


def test_a_start_that_shows_nothing_until_the_end_is_a_timeout(world: World) -> None:
    world.upstream.phase_after_start = Phase.STOPPED
    world.waker.wake(a_host(ready={"timeout": "1s"}), WISH)
    world.wait()
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is Reason.TIMEOUT
    assert "was started and does not run" in world.journal.path.read_text()


def test_an_app_that_ends_after_each_start_is_not_started_for_ever(world: World) -> None:
    world.app_dies = True
    world.waker.wake(HOST, WISH)
    world.wait()
    assert world.upstream.starts == 3
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is Reason.CRASHED


def test_a_wake_waits_out_a_stop_that_is_under_way(world: World) -> None:
    with HostLocks(world.data).hold(HOST.name) as ours:
        assert ours
        world.upstream.phase = Phase.RUNNING  # it answers still, and is about to end
        world.waker.wake(HOST, WISH)
        eventually(lambda: world.kinds() == ["wake_requested"])
        world.upstream.phase = Phase.STOPPED
        assert world.routes.shadow(HOST.name)
    world.wait()
    assert world.upstream.starts == 1
    assert world.kinds() == ["wake_requested", "woken"]


def test_a_wake_waits_out_a_stop_that_its_provider_does_not_show(world: World) -> None:
    world.upstream.phase = Phase.RUNNING  # for as long as its app takes to end
    world.waker.wake(HOST, WISH)
    eventually(lambda: _stage(world) is Stage.STOPPING and world.upstream.looks > 5)
    assert world.routes.shadow(HOST.name)
    world.upstream.phase = Phase.STOPPED
    world.wait()
    assert world.upstream.starts == 1
    assert world.kinds() == ["wake_requested", "woken"]


def test_a_wake_that_failed_is_not_repeated_before_a_pause_is_over(world: World) -> None:
    world.upstream.fault = UpstreamError(Reason.MISSING, "no such thing")
    assert world.waker.wake(HOST, WISH)
    world.wait()
    world.upstream.fault = None
    world.clock_s = 9.9
    assert not world.waker.wake(HOST, WISH)
    assert world.waker.under_way(HOST.name) is None
    assert world.kinds() == ["wake_requested", "wake_failed"]
    world.clock_s = 10.1
    assert world.waker.wake(HOST, WISH)
    world.wait()
    assert world.kinds()[2:] == ["wake_requested", "woken"]


def test_an_unfinished_wake_is_taken_up_after_a_restart(world: World) -> None:
    world.journal.append("wake_requested", HOST.name, visitor="v", gate="visit")
    waker = world.waker = world.new_waker()
    waker.resume({HOST.name: HOST}.get)
    world.wait()
    assert world.upstream.starts == 1
    assert world.kinds() == ["wake_requested", "woken"]
    world.new_waker().resume({HOST.name: HOST}.get)
    assert world.upstream.starts == 1


def test_attending_starts_nothing_and_hands_back_what_was_started_by_hand(world: World) -> None:
    world.waker.attend(HOST).ended.wait(5)
    assert world.upstream.starts == 0
    assert world.routes.shadow(HOST.name)
    world.upstream.phase = Phase.RUNNING
    world.waker.attend(HOST).ended.wait(5)
    assert world.routes.shadow(HOST.name) is None
    assert world.kinds() == ["found_running"]


def test_attending_leaves_alone_what_the_sidecar_is_stopping(world: World) -> None:
    world.upstream.phase = Phase.RUNNING
    with HostLocks(world.data).hold(HOST.name):
        world.waker.attend(HOST).ended.wait(5)
    assert world.routes.shadow(HOST.name)


def test_leads_to_the_address_that_the_provider_tells_after_each_start(world: World) -> None:
    vm = a_vm()
    for url in ("http://10.0.0.2:8080", "http://10.0.0.3:8080"):
        world.routes.mark_asleep(vm.names)
        world.upstream.phase, world.upstream.url = Phase.STOPPED, url
        world.routes.mark_asleep(vm.names)
        world.waker.wake(vm, WISH)
        world.wait(vm)
        assert world.routes.leads(vm.names, url)
        assert world.routes.shadow(vm.name) is None


def test_writes_no_route_for_a_host_that_has_its_own(world: World) -> None:
    vm = a_vm(route="own")
    world.upstream.url = "http://10.0.0.2:8080"
    world.waker.wake(vm, WISH)
    world.wait(vm)
    assert world.kinds() == ["wake_requested", "woken"]
    assert not list(world.data.glob("*.yml"))


def test_without_a_free_machine_it_is_tried_again_and_says_so_meanwhile(world: World) -> None:
    full = UpstreamError(Reason.CAPACITY, "no machine free")
    world.upstream.fails_to_start = [full]
    world.waker.wake(HOST, WISH)
    eventually(lambda: _stage(world) is Stage.QUEUED)
    world.wait()
    assert world.upstream.starts == 2
    assert world.kinds() == ["wake_requested", "woken"]


def test_without_a_free_machine_until_the_end_it_fails_for_that_reason(world: World) -> None:
    full = UpstreamError(Reason.CAPACITY, "no machine free")
    world.upstream.fails_to_start = [full] * 9
    world.waker.wake(HOST, WISH)
    world.wait()
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is Reason.CAPACITY
    assert world.upstream.starts < 9


def test_who_asks_when_another_ones_wake_has_just_ended_well_spends_nothing(world: World) -> None:
    for _ in range(2):
        assert world.waker.wake(HOST, WISH)
        world.wait()
    assert world.kinds() == ["wake_requested", "woken"]


def test_what_was_spent_is_spent_after_a_kill_too(world: World) -> None:
    host = a_host(budget={"wakes_per_day": 2})
    for _ in range(2):
        assert world.waker.wake(host, WISH)
        world.wait()
        world.upstream.phase = Phase.STOPPED
        world.routes.mark_asleep(HOST.names)
        world.waker = world.new_waker()
    with pytest.raises(BudgetSpent) as spent:
        world.waker.wake(host, WISH)
    assert spent.value.refused.until
    assert world.upstream.starts == 2
    assert world.kinds().count("wake_requested") == 2
    assert world.kinds().count("wake_refused") == 1


def test_of_hundred_at_once_no_more_are_granted_than_there_is_budget(world: World) -> None:
    hosts = [a_host(f"h{i}.test") for i in range(100)]
    world.total = TotalBudget(wakes_per_day=5, wakes_at_once=100)
    world.app_answers = False
    refused = []

    def ask(host: Host) -> None:
        try:
            world.waker.wake(host, WISH)
        except BudgetSpent:
            refused.append(host)

    threads = [threading.Thread(target=ask, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.app_answers = True
    for host in hosts:
        world.wait(host)
    assert len(refused) == 95
    assert world.kinds().count("wake_requested") == 5


def test_no_more_wakes_run_at_once_than_may(world: World) -> None:
    world.total = TotalBudget(wakes_at_once=1)
    world.app_answers = False
    world.waker.wake(HOST, WISH)
    world.waker.wake(HOST, WISH)
    with pytest.raises(BudgetSpent):
        world.waker.wake(a_host("other.test"), WISH)
    world.app_answers = True
    world.wait()
    world.upstream.phase = Phase.STOPPED
    assert world.waker.wake(a_host("other.test"), WISH)
    world.wait(a_host("other.test"))


def test_a_journal_that_can_not_be_read_grants_nothing_until_it_can(world: World) -> None:
    path = world.journal.path
    path.mkdir()
    world.waker = world.new_waker()
    world.waker.resume(lambda _: HOST)
    with pytest.raises(JournalError, match="can't be read"):
        world.waker.wake(HOST, WISH)
    assert world.upstream.starts == 0
    path.rmdir()
    assert world.waker.wake(HOST, WISH)
    world.wait()


def _stage(world: World) -> Stage | None:
    under_way = world.waker.under_way(HOST.name)
    return under_way.stage if under_way else None


def test_every_stage_has_its_words_when_it_is_too_late() -> None:
    assert set(bring_up.LATE) == set(Stage)
