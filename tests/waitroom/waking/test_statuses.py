"""Providers that hang take nothing from those that answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.support import eventually, no_threads
from tests.waitroom.fakes import FakeUpstream
from waitroom.errors import Reason, UpstreamError
from waitroom.registry.document import parse
from waitroom.registry.hosts import Host
from waitroom.upstreams.base import Phase, Status
from waitroom.waking.statuses import Statuses


class Hanging(FakeUpstream):
    """Answers when `answers` is set, and knows how many ask at once."""

    def __init__(self) -> None:
        super().__init__(Phase.RUNNING)
        self.answers = threading.Event()
        self.asked = 0

    def status(self) -> Status:
        self.asked += 1
        self.answers.wait()
        return super().status()


class Providers:
    """Forty hosts; all but the last hang."""

    def __init__(self) -> None:
        names = [f"h{i}.test" for i in range(40)]
        hosts = {n: {"docker": {"container": n}, "url": "http://app:80"} for n in names}
        *self.hanging, self.healthy = parse({"hosts": hosts}).hosts.values()
        self.upstreams = {host.name: Hanging() for host in self.hanging}
        self.statuses = Statuses(self.connect)

    def connect(self, host: Host) -> FakeUpstream:
        return self.upstreams.get(host.name) or FakeUpstream(Phase.RUNNING)


@pytest.fixture
def providers() -> Iterator[Providers]:
    providers = Providers()
    yield providers
    for upstream in providers.upstreams.values():
        upstream.answers.set()


def ask_all_that_hang(providers: Providers) -> None:
    def ask(host: Host) -> None:
        with pytest.raises(UpstreamError):
            providers.statuses.get(host, fresh_s=1.0)

    threads = [threading.Thread(target=ask, args=(host,)) for host in providers.hanging]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_healthy_provider_is_heard_while_all_others_hang(providers: Providers) -> None:
    ask_all_that_hang(providers)
    assert providers.statuses.get(providers.healthy, fresh_s=1.0).phase is Phase.RUNNING


def test_a_provider_that_hangs_is_asked_once_and_nothing_is_known(providers: Providers) -> None:
    host = providers.hanging[0]
    for _ in range(5):
        with pytest.raises(UpstreamError) as error:
            providers.statuses.get(host, fresh_s=0.0)
        assert error.value.reason is Reason.UNREACHABLE
    assert providers.upstreams[host.name].asked == 1


def test_a_provider_that_has_come_back_is_believed_again(providers: Providers) -> None:
    host = providers.hanging[0]
    with pytest.raises(UpstreamError):
        providers.statuses.get(host, fresh_s=0.0)
    providers.upstreams[host.name].answers.set()
    eventually(lambda: is_running(providers, host))


def is_running(providers: Providers, host: Host) -> bool:
    try:
        return providers.statuses.get(host, fresh_s=0.0).phase is Phase.RUNNING
    except UpstreamError:
        return False


def test_readiness_names_what_hangs_and_leaves_out_who_is_asked_too_late(
    providers: Providers,
) -> None:
    found = providers.statuses.faults(
        [providers.healthy, *providers.hanging, providers.healthy], within_s=1.0
    )
    assert len(found) == 1  # the second that hangs was not waited for
    assert "hosts.'h0.test': unreachable" in found[0]


def test_readiness_says_a_common_fault_once(providers: Providers) -> None:
    for upstream in providers.upstreams.values():
        upstream.answers.set()
        upstream.fault = UpstreamError(Reason.MISSING, "there is no engine")
    assert providers.statuses.faults(providers.hanging) == [
        "hosts.'h0.test': missing: there is no engine"
    ]


def test_an_error_of_any_kind_reaches_who_asked() -> None:
    def broken(_: Host) -> FakeUpstream:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Statuses(broken).get(Providers().healthy, fresh_s=1.0)


def test_an_answer_that_comes_late_is_heard_by_whoever_asks_next(providers: Providers) -> None:
    host = providers.hanging[0]
    with pytest.raises(UpstreamError):
        providers.statuses.get(host, fresh_s=0.1)
    upstream = providers.upstreams[host.name]
    upstream.answers.set()
    eventually(lambda: f"status-{host.name}" not in {t.name for t in threading.enumerate()})
    assert providers.statuses.get(host, fresh_s=0.1).phase is Phase.RUNNING
    assert upstream.asked == 1


def test_what_is_told_holds_until_something_happens(providers: Providers) -> None:
    host = providers.hanging[0]
    upstream = providers.upstreams[host.name]
    providers.statuses.tell(host.name, Status(Phase.STOPPED))
    assert providers.statuses.last(host, fresh_s=0.0).phase is Phase.STOPPED
    assert upstream.asked == 0
    upstream.answers.set()
    assert providers.statuses.get(host, fresh_s=0.0).phase is Phase.RUNNING
    providers.statuses.forget(host.name)
    assert providers.statuses.last(host, fresh_s=0.0).phase is Phase.RUNNING


def test_a_thread_that_the_system_refused_is_tried_again(providers: Providers) -> None:
    with no_threads(), pytest.raises(UpstreamError, match="no thread left"):
        providers.statuses.get(providers.healthy, fresh_s=1.0)
    assert providers.statuses.get(providers.healthy, fresh_s=1.0).phase is Phase.RUNNING
