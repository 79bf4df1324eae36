from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.support import eventually, no_threads
from tests.waitroom.fakes import FakeUpstream, a_host, a_vm
from traefik.folder import RouteFolder
from waitroom.errors import Reason, UpstreamError
from waitroom.journal import Journal, JournalError
from waitroom.locks import HostLocks
from waitroom.registry.hosts import Front, Host, TotalBudget
from waitroom.upstreams.base import Member, Phase, Status
from waitroom.view import MemberState, Stage
from waitroom.waking import bring_up
from waitroom.waking.budgets import Claim, NotGranted, Proof
from waitroom.waking.course import Course
from waitroom.waking.grants import Grants
from waitroom.waking.outcomes import Outcomes
from waitroom.waking.stops import Stops
from waitroom.waking.wake import Waker

HOST = a_host(ready={"timeout": "2s"})
CLAIM = Claim(visitor="v", proof=Proof.WORK)


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
        self.stops = Stops(self.data, self.routes, locks)
        self.outcomes = Outcomes(lambda: self.clock_s)
        course = Course(
            connect=lambda _: self.upstream,
            probe=self.probe,
            folder=self.routes,
            journal=self.journal,
            locks=locks,
            stops=self.stops,
            outcomes=self.outcomes,
        )
        return Waker(
            course=course,
            folder=self.routes,
            outcomes=self.outcomes,
            grants=Grants(self.journal, self.routes, lambda: self.total),
        )

    def probe(self, _host: Host, _front: Front) -> bool:
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
    world.waker.wake(HOST, CLAIM)
    eventually(lambda: world.upstream.starts == 1)
    assert world.routes.shadow(HOST.name)
    world.app_answers = True
    world.wait()
    assert world.routes.shadow(HOST.name) is None
    assert world.kinds() == ["wake_requested", "woken"]
    assert world.outcomes.history.expected_s(HOST.name) is not None


def test_a_group_whose_apps_are_stopped_is_not_taken_to_be_on_its_way_down(world: World) -> None:
    database = Member("database", "database", Phase.RUNNING)
    world.upstream.phase = Phase.PARTLY
    world.upstream.members = (Member("app", "app", Phase.STOPPED), database)
    world.stops.note_begin(HOST.name)
    world.waker.wake(HOST, CLAIM)
    world.wait()
    assert world.kinds() == ["wake_requested", "woken"]


def test_hundred_visitors_at_once_cause_one_start(world: World) -> None:
    world.app_answers = False
    threads = [threading.Thread(target=world.waker.wake, args=(HOST, CLAIM)) for _ in range(100)]
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
        world.waker.wake(HOST, CLAIM)
    assert world.upstream.starts == 0
    assert world.waker.under_way(HOST.name) is None


@pytest.mark.parametrize(
    "reason", sorted(set(Reason) - {Reason.UNREACHABLE, Reason.CAPACITY, Reason.TIMEOUT})
)
def test_a_definite_no_of_the_provider_ends_the_wake(world: World, reason: Reason) -> None:
    world.upstream.fault = UpstreamError(reason, "no")
    world.waker.wake(HOST, CLAIM)
    world.wait()
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is reason
    assert world.kinds() == ["wake_requested", "wake_failed"]
    assert world.routes.shadow(HOST.name)


def test_a_provider_that_is_away_for_a_moment_is_waited_for(world: World) -> None:
    world.upstream.fault = UpstreamError(Reason.UNREACHABLE, "gone")
    world.waker.wake(HOST, CLAIM)
    world.upstream.fault = None
    world.wait()
    assert world.kinds() == ["wake_requested", "woken"]


def test_an_app_that_never_answers_is_a_timeout(world: World) -> None:
    world.app_answers = False
    world.waker.wake(a_host(ready={"timeout": "1s"}), CLAIM)
    world.wait()
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is Reason.TIMEOUT


def test_a_start_that_shows_late_is_not_repeated(world: World) -> None:
    world.upstream.phase_after_start = Phase.STOPPED
    world.waker.wake(HOST, CLAIM)
    eventually(lambda: world.upstream.looks > 5)
    assert world.upstream.starts == 1
    world.upstream.phase = Phase.RUNNING
    world.wait()
    assert world.kinds() == ["wake_requested", "woken"]


def test_a_start_that_shows_nothing_until_the_end_is_a_timeout(world: World) -> None:
    world.upstream.phase_after_start = Phase.STOPPED
    world.waker.wake(a_host(ready={"timeout": "1s"}), CLAIM)
    world.wait()
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is Reason.TIMEOUT
    assert "was started and does not run" in world.journal.path.read_text()


def test_an_app_that_ends_after_each_start_is_not_started_for_ever(world: World) -> None:
    world.app_dies = True
    world.waker.wake(HOST, CLAIM)
    world.wait()
    assert world.upstream.starts == 3
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is Reason.CRASHED


def test_a_group_is_started_step_by_step_and_each_of_it_is_told(world: World) -> None:
    web, db = Member("web", "web", Phase.STOPPED), Member("db", "db", Phase.STARTING)
    world.upstream.phase_after_start, world.upstream.members = Phase.PARTLY, (web, db)
    world.waker.wake(HOST, CLAIM)
    eventually(lambda: world.upstream.starts > 5)
    wake = world.waker.under_way(HOST.name)
    assert wake
    assert wake.members == (("web", MemberState.WAITING), ("db", MemberState.STARTING))
    world.upstream.phase_after_start = world.upstream.phase = Phase.RUNNING
    world.wait()
    assert world.kinds() == ["wake_requested", "woken"]


def test_what_of_a_group_did_not_come_up_is_told(world: World) -> None:
    world.upstream.phase_after_start = Phase.PARTLY
    world.upstream.members = (
        Member("web", "web", Phase.STOPPED),
        Member("db", "db", Phase.STARTING),
    )
    world.upstream.detail = "web: exited, db: running (unhealthy)"
    world.waker.wake(a_host(ready={"timeout": "1s"}), CLAIM)
    world.wait()
    assert "(ready.timeout); web: exited, db: running (unhealthy)" in world.journal.path.read_text()


def test_a_wake_waits_out_a_stop_that_is_under_way(world: World) -> None:
    with HostLocks(world.data).hold(HOST.name) as ours:
        assert ours
        world.upstream.phase = Phase.RUNNING  # it answers still, and is about to end
        world.waker.wake(HOST, CLAIM)
        eventually(lambda: world.kinds() == ["wake_requested"])
        eventually(lambda: _stage(world) is Stage.STOPPING)
        world.upstream.phase = Phase.STOPPED
        assert world.routes.shadow(HOST.name)
    world.wait()
    assert world.upstream.starts == 1
    assert world.kinds() == ["wake_requested", "woken"]


def test_a_wake_waits_out_a_stop_that_its_provider_does_not_show(world: World) -> None:
    world.stops.note_begin(HOST.name)
    world.upstream.phase = Phase.RUNNING  # for as long as its app takes to end
    world.waker.wake(HOST, CLAIM)
    eventually(lambda: _stage(world) is Stage.STOPPING and world.upstream.looks > 5)
    assert world.routes.shadow(HOST.name)
    world.upstream.phase = Phase.STOPPED
    world.wait()
    assert world.upstream.starts == 1
    assert world.kinds() == ["wake_requested", "woken"]


def test_a_wake_tells_since_when_the_host_slept_whoever_saw_its_stop_end(world: World) -> None:
    asleep_since = world.routes.asleep_since(HOST.name)
    world.stops.note_begin(HOST.name)
    world.stops.note_seen(HOST, world.upstream.status())
    world.waker.wake(HOST, CLAIM)
    world.wait()
    [requested, _] = world.journal.events()
    told = datetime.fromisoformat(requested["asleep_since"]).timestamp()
    assert told == pytest.approx(asleep_since, abs=1e-3)  # it is told in microseconds


def test_what_was_to_be_stopped_and_never_was_is_handed_back_at_once(world: World) -> None:
    world.upstream.phase = Phase.RUNNING  # the sidecar was killed between its word and its deed
    world.waker.wake(HOST, CLAIM)
    world.wait()
    assert world.upstream.starts == 0
    assert world.kinds() == ["wake_requested", "woken"]
    assert world.routes.shadow(HOST.name) is None


def test_a_wake_that_failed_is_not_repeated_before_a_pause_is_over(world: World) -> None:
    world.upstream.fault = UpstreamError(Reason.MISSING, "no such thing")
    assert world.waker.wake(HOST, CLAIM)
    world.wait()
    world.upstream.fault = None
    world.clock_s = 9.9
    assert not world.waker.wake(HOST, CLAIM)
    assert world.waker.under_way(HOST.name) is None
    assert world.kinds() == ["wake_requested", "wake_failed"]
    world.clock_s = 10.1
    assert world.waker.wake(HOST, CLAIM)
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


def test_a_wake_that_nobody_saw_through_has_failed(world: World) -> None:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    event = {"at": at, "host": HOST.name, "kind": "wake_requested"}
    world.journal.path.write_bytes(msgspec.json.encode(event) + b"\n")
    for _ in range(2):  # which is said once
        world.new_waker().resume({HOST.name: HOST}.get)
    assert world.kinds() == ["wake_requested", "wake_failed"]
    assert world.upstream.starts == 0


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
        world.waker.wake(vm, CLAIM)
        world.wait(vm)
        assert world.routes.leads(vm.names, url)
        assert world.routes.shadow(vm.name) is None


def test_writes_no_route_for_a_host_that_has_its_own(world: World) -> None:
    vm = a_vm(route="own")
    world.upstream.url = "http://10.0.0.2:8080"
    world.waker.wake(vm, CLAIM)
    world.wait(vm)
    assert world.kinds() == ["wake_requested", "woken"]
    assert not list(world.data.glob("*.yml"))


def test_without_a_free_machine_it_is_tried_again_and_says_so_meanwhile(world: World) -> None:
    full = UpstreamError(Reason.CAPACITY, "no machine free")
    world.upstream.fails_to_start = [full]
    world.waker.wake(HOST, CLAIM)
    eventually(lambda: _stage(world) is Stage.QUEUED)
    world.wait()
    assert world.upstream.starts == 2
    assert world.kinds() == ["wake_requested", "woken"]


def test_without_a_free_machine_until_the_end_it_fails_for_that_reason(world: World) -> None:
    full = UpstreamError(Reason.CAPACITY, "no machine free")
    world.upstream.fails_to_start = [full] * 9
    world.waker.wake(HOST, CLAIM)
    world.wait()
    failure = world.outcomes.failure(HOST.name)
    assert failure
    assert failure.reason is Reason.CAPACITY
    assert world.upstream.starts < 9


def test_who_asks_when_another_ones_wake_has_just_ended_well_spends_nothing(world: World) -> None:
    for _ in range(2):
        assert world.waker.wake(HOST, CLAIM)
        world.wait()
    assert world.kinds() == ["wake_requested", "woken"]


def test_what_was_spent_is_spent_after_a_kill_too(world: World) -> None:
    host = a_host(budget={"wakes_per_day": 2})
    for _ in range(2):
        assert world.waker.wake(host, CLAIM)
        world.wait()
        world.upstream.phase = Phase.STOPPED
        world.routes.mark_asleep(HOST.names)
        world.waker = world.new_waker()
    with pytest.raises(NotGranted) as spent:
        world.waker.wake(host, CLAIM)
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
            world.waker.wake(host, CLAIM)
        except NotGranted:
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
    world.waker.wake(HOST, CLAIM)
    world.waker.wake(HOST, CLAIM)
    with pytest.raises(NotGranted):
        world.waker.wake(a_host("other.test"), CLAIM)
    world.app_answers = True
    world.wait()
    world.upstream.phase = Phase.STOPPED
    assert world.waker.wake(a_host("other.test"), CLAIM)
    world.wait(a_host("other.test"))


def test_a_journal_that_can_not_be_read_grants_nothing_until_it_can(world: World) -> None:
    path = world.journal.path
    path.mkdir()
    world.waker = world.new_waker()
    world.waker.resume(lambda _: HOST)
    with pytest.raises(JournalError, match="can't be read"):
        world.waker.wake(HOST, CLAIM)
    assert world.upstream.starts == 0
    path.rmdir()
    assert world.waker.wake(HOST, CLAIM)
    world.wait()


def _stage(world: World) -> Stage | None:
    under_way = world.waker.under_way(HOST.name)
    return under_way.stage if under_way else None


def test_every_stage_has_its_words_when_it_is_too_late() -> None:
    assert set(bring_up.LATE) == set(Stage) - {Stage.UNHEALTHY}  # its app answers, no wake is late


def test_a_wake_that_gets_no_thread_is_not_waited_for(world: World) -> None:
    with no_threads(), pytest.raises(RuntimeError):
        world.waker.wake(HOST, CLAIM)
    assert world.waker.under_way(HOST.name) is None
    world.waker.wake(HOST, CLAIM)
    world.wait()
    assert world.routes.shadow(HOST.name) is None


@pytest.mark.parametrize("begin", [Phase.STOPPED, Phase.RUNNING])
def test_an_app_that_is_up_has_not_failed_because_nobody_can_write_it_down(
    world: World, caplog: pytest.LogCaptureFixture, begin: Phase
) -> None:
    world.app_answers = False
    world.upstream.phase = begin
    if begin is Phase.STOPPED:
        world.waker.wake(HOST, CLAIM)
    else:
        world.waker.attend(HOST)
    eventually(lambda: world.upstream.phase is Phase.RUNNING)
    world.journal.path.unlink(missing_ok=True)
    world.journal.path.mkdir()
    world.app_answers = True
    world.wait()
    assert world.routes.shadow(HOST.name) is None
    assert world.outcomes.failure(HOST.name) is None
    assert "can't be written" in caplog.text


def test_what_ends_badly_beside_a_wake_that_ends_well_is_no_news(world: World) -> None:
    world.app_answers = False
    world.upstream.phase = Phase.RUNNING
    attendance = world.waker.attend(HOST)
    world.waker.wake(a_host(ready={"timeout": "60s"}), CLAIM)
    eventually(attendance.ended.is_set)
    world.app_answers = True
    world.wait()
    assert world.kinds()[-1] == "woken"
    assert world.outcomes.failure(HOST.name) is None


class Watching(FakeUpstream):
    """Notes how far the wake was said to be whenever it is asked."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.stages: list[Stage | None] = []

    def status(self) -> Status:
        self.stages.append(_stage(self.world))
        return super().status()


def test_a_wake_of_a_host_that_sleeps_is_not_said_to_be_stopped(world: World) -> None:
    world.upstream = upstream = Watching(world)
    world.waker.wake(HOST, CLAIM)
    world.wait()
    assert upstream.stages[0] is Stage.STARTING
