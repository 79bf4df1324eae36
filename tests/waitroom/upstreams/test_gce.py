"""The provider with the real library, over HTTP, against the server of tests/gce."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.cloud.compute_v1 import Instance

from tests.gce.machines import Machine
from tests.gce.server import PROJECT, ZONE, Fault, Gce
from tests.support import eventually
from waitroom.errors import Reason, UpstreamError
from waitroom.registry.named import GceUpstream
from waitroom.registry.values import Sleep
from waitroom.upstreams.base import Phase
from waitroom.upstreams.gce import Vm
from waitroom.upstreams.gce_api import Api
from waitroom.upstreams.gce_fleet import Fleet
from waitroom.upstreams.gce_machine import PHASES
from waitroom.view import Stage
from waitroom.waking.stages import STAGES

ROOT = Path(__file__).parent.parent.parent.parent
NAME = "erp-1"
ERP = GceUpstream(
    project=PROJECT, zone=ZONE, instance=NAME, port=8080, address="internal", require_label=None
)


@pytest.fixture
def gce(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gce]:
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # no credentials: known at once
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with Gce() as server:
        yield server


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_fleet(gce: Gce, clock: Callable[[], float] = Clock()) -> Fleet:  # noqa: B008 - one that stands still
    return Fleet(Api(gce.url), clock)


def a_vm(gce: Gce, sleep: Sleep = Sleep.STOP, **keys: Any) -> Vm:
    return Vm(a_fleet(gce), replace(ERP, **keys), sleep)


def reason_of(act: Callable[[], object]) -> Reason:
    with pytest.raises(UpstreamError) as error:
        act()
    assert "\n" not in str(error.value)
    return error.value.reason


def wait_for(vm: Vm, phase: Phase) -> None:
    eventually(lambda: vm.status().phase is phase, what=f"the VM is {phase}")


# States and what is done.


def test_knows_every_state_of_the_library() -> None:
    assert set(PHASES) == set(Instance.Status.__members__) - {"UNDEFINED_STATUS"}


STARTING, STOPPING, RUNNING = Stage.STARTING, Stage.STOPPING, Stage.ANSWERING


@pytest.mark.parametrize(
    ("state", "start", "stop", "suspend", "shown"),
    [
        ("TERMINATED", ["start"], [], [], STARTING),
        ("STOPPED", ["start"], [], [], STARTING),
        ("SUSPENDED", ["resume"], [], [], STARTING),
        ("PENDING", [], [], [], STARTING),
        ("PROVISIONING", [], [], [], STARTING),
        ("STAGING", [], [], [], STARTING),
        ("RUNNING", [], ["stop"], ["suspend"], RUNNING),
        ("PENDING_STOP", [], [], [], STOPPING),
        ("STOPPING", [], [], [], STOPPING),
        ("SUSPENDING", [], [], [], STOPPING),
        ("DEPROVISIONING", [], [], [], STOPPING),
        ("REPAIRING", [], [], [], Stage.REPAIRING),
    ],
)
def test_each_state_has_its_calls_and_its_words(
    gce: Gce, state: str, start: list[str], stop: list[str], suspend: list[str], shown: Stage
) -> None:
    for act, sleep, expected in (
        (Vm.start, Sleep.STOP, start),
        (Vm.stop, Sleep.STOP, stop),
        (Vm.stop, Sleep.SUSPEND, suspend),
    ):
        gce.machines.add(NAME, status=state)
        gce.calls.clear()
        act(a_vm(gce, sleep))
        assert gce.orders() == expected
    gce.machines.add(NAME, status=state)
    assert STAGES[a_vm(gce).status().phase] is shown


def test_the_table_above_names_every_state() -> None:
    [mark] = test_each_state_has_its_calls_and_its_words.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in mark.args[1]} == set(PHASES)


def test_a_state_that_nobody_knows_yet_is_not_acted_on(gce: Gce) -> None:
    gce.machines.add(NAME, status="DREAMING")
    vm = a_vm(gce)
    assert reason_of(vm.status) is Reason.UNREACHABLE
    vm.start()
    vm.stop()
    assert gce.orders() == []


@pytest.mark.parametrize(
    ("sleep", "asleep"), [(Sleep.STOP, "TERMINATED"), (Sleep.SUSPEND, "SUSPENDED")]
)
def test_sleeps_and_wakes_and_tells_since_when_it_runs(gce: Gce, sleep: Sleep, asleep: str) -> None:
    machine = gce.machines.add(NAME)
    vm = a_vm(gce, sleep)
    vm.start()
    wait_for(vm, Phase.RUNNING)
    assert vm.status().started_at is not None
    assert vm.status().url == "http://10.0.0.2:8080"
    vm.stop()
    wait_for(vm, Phase.STOPPED)
    assert machine.status == asleep
    assert vm.status().url is None


def test_a_vm_that_cannot_be_suspended_is_stopped_and_not_asked_again(
    gce: Gce, caplog: pytest.LogCaptureFixture
) -> None:
    machine = gce.machines.add(NAME, status="RUNNING", can_suspend=False)
    fleet = a_fleet(gce)
    Vm(fleet, ERP, Sleep.SUSPEND).stop()
    assert gce.orders() == ["suspend", "stop"]
    assert "can't be suspended, so it is stopped" in caplog.text
    eventually(lambda: machine.under_way is None)
    gce.machines.set_status(machine, "RUNNING")
    Vm(fleet, ERP, Sleep.SUSPEND).stop()
    assert gce.orders() == ["suspend", "stop", "stop"]


@pytest.mark.parametrize(
    ("code", "reason", "then"),
    [
        ("UNSUPPORTED_OPERATION", Reason.FAILED, "stop"),
        ("RESOURCE_OPERATION_RATE_EXCEEDED", Reason.UNREACHABLE, "suspend"),
    ],
)
def test_a_suspend_that_fails_on_the_way_is_told_and_tried_again_if_that_may_pass(
    gce: Gce, code: str, reason: Reason, then: str
) -> None:
    machine = gce.machines.add(NAME, status="RUNNING")
    gce.machines.failing = [(code, "the guest did not react")]
    vm = a_vm(gce, Sleep.SUSPEND)
    vm.stop()
    eventually(lambda: machine.under_way is None)
    assert reason_of(vm.status) is reason
    vm.stop()
    assert gce.orders() == ["suspend", then]


def test_a_suspend_that_fails_unseen_is_told_and_the_next_try_stops(
    gce: Gce, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With README's role of the sidecar, which may not look at operations."""
    monkeypatch.setattr("waitroom.upstreams.gce._BLIND_S", 0.5)
    monkeypatch.setattr("waitroom.upstreams.gce._LOOK_AT_OPERATION_S", 0.1)
    gce.denied = {"compute.zoneOperations.get"}
    machine = gce.machines.add(NAME, status="RUNNING")
    gce.machines.failing = [("UNSUPPORTED_OPERATION", "the guest did not react")]
    vm = a_vm(gce, Sleep.SUSPEND)
    vm.stop()
    eventually(lambda: machine.under_way is None)
    assert vm.status().phase is Phase.RUNNING
    eventually(lambda: _raises(vm.status, Reason.FAILED), what="it is not waited for any longer")
    vm.stop()
    assert gce.orders() == ["suspend", "stop"]


# Orders are taken once.


@pytest.mark.parametrize(
    ("state", "order", "phase"),
    [
        ("TERMINATED", "start", Phase.RUNNING),
        ("SUSPENDED", "resume", Phase.RUNNING),
        ("RUNNING", "stop", Phase.STOPPED),
        ("RUNNING", "suspend", Phase.STOPPED),
    ],
)
def test_an_order_whose_answer_was_lost_is_neither_lost_nor_doubled(
    gce: Gce, state: str, order: str, phase: Phase
) -> None:
    gce.machines.add(NAME, status=state)
    gce.faults = [Fault(order, cut=True)]
    vm = a_vm(gce, Sleep.SUSPEND if order == "suspend" else Sleep.STOP)
    (vm.stop if phase is Phase.STOPPED else vm.start)()
    assert gce.orders() == [order, order]
    assert len({call.query["requestId"] for call in gce.calls if call.what == order}) == 1
    assert gce.machines.taken == [f"{order} erp-1"]
    wait_for(vm, phase)


def test_a_start_that_is_given_up_is_repeated_as_the_same_by_the_next_one(gce: Gce) -> None:
    gce.machines.add(NAME)
    gce.machines.failing = [("ZONE_RESOURCE_POOL_EXHAUSTED", "full")]
    gce.faults = [Fault("start", code=403, reason="forbidden")]
    vm = a_vm(gce)
    assert reason_of(vm.start) is Reason.PERMISSION
    vm.start()
    eventually(lambda: gce.machines.failing == [])
    eventually(lambda: _raises(vm.status, Reason.CAPACITY))
    vm.start()
    first, second, third = [call.query["requestId"] for call in gce.calls if call.what == "start"]
    assert first == second != third


def _raises(act: Callable[[], object], reason: Reason) -> bool:
    try:
        act()
    except UpstreamError as error:
        return error.reason is reason
    return False


WAKE = """
import sys
from tests.waitroom.upstreams.test_gce import ERP
from waitroom.registry.values import Sleep
from waitroom.upstreams.gce import Vm
from waitroom.upstreams.gce_api import Api
from waitroom.upstreams.gce_fleet import Fleet
vm = Vm(Fleet(Api(sys.argv[1])), ERP, Sleep.STOP)
vm.status()
print("at the start", flush=True)
input()
vm.start()
"""


def test_two_wakes_at_once_from_two_processes_have_the_effect_of_one(gce: Gce) -> None:
    gce.machines.step_s = 0.05
    machine = gce.machines.add(NAME)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", WAKE, gce.url], text=True, cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        assert process.stdout
        assert process.stdout.readline() == "at the start\n"
    for process in both:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in both:
        process.communicate(timeout=30)
        assert process.returncode == 0
    eventually(lambda: machine.status == "RUNNING")
    assert gce.machines.taken == ["start erp-1"]


def test_two_wakes_at_once_from_two_threads_have_the_effect_of_one(gce: Gce) -> None:
    gce.machines.step_s = 0.05
    gce.machines.add(NAME)
    both = [a_vm(gce), a_vm(gce)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Vm.start, both))
    for vm in both:
        wait_for(vm, Phase.RUNNING)
    assert gce.machines.taken == ["start erp-1"]


def test_between_an_order_and_its_first_sign_the_vm_is_starting(gce: Gce) -> None:
    gce.machines.step_s = 0.2
    gce.machines.add(NAME)
    vm = a_vm(gce)
    vm.start()
    assert vm.status().phase is Phase.STARTING
    wait_for(vm, Phase.RUNNING)


def test_a_role_that_may_not_read_operations_goes_by_the_state(gce: Gce) -> None:
    gce.denied = {"compute.zoneOperations.get"}
    gce.machines.step_s = 0.5  # long enough for several looks
    gce.machines.add(NAME)
    vm = Vm(Fleet(Api(gce.url)), ERP, Sleep.STOP)
    vm.start()
    wait_for(vm, Phase.RUNNING)
    assert gce.orders() == ["start"]
    assert gce.said("operation") == ["operation"]


# Faults.


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ZONE_RESOURCE_POOL_EXHAUSTED", Reason.CAPACITY),
        ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", Reason.CAPACITY),
        ("STOCKOUT", Reason.CAPACITY),
        ("QUOTA_EXCEEDED", Reason.QUOTA),
        ("PERMISSIONS_ERROR", Reason.PERMISSION),
        ("RESOURCE_NOT_FOUND", Reason.MISSING),
        ("CONDITION_NOT_MET", Reason.CONDITION),
        ("INTERNAL_ERROR", Reason.FAILED),
    ],
)
def test_a_fault_inside_an_operation_has_its_reason_and_is_told_once(
    gce: Gce, code: str, reason: Reason
) -> None:
    machine = gce.machines.add(NAME)
    gce.machines.failing = [(code, "says\nwhy")]
    vm = a_vm(gce)
    vm.start()
    eventually(lambda: machine.under_way is None)
    assert reason_of(vm.status) is reason
    assert vm.status().phase is Phase.STOPPED


@pytest.mark.parametrize(
    ("status", "word", "reason"),
    [
        (400, "invalid", Reason.FAILED),
        (401, "authError", Reason.CREDENTIALS),
        (403, "forbidden", Reason.PERMISSION),
        (403, "quotaExceeded", Reason.QUOTA),
        (403, "rateLimitExceeded", Reason.UNREACHABLE),
        (403, "RESOURCE_OPERATION_RATE_EXCEEDED", Reason.UNREACHABLE),
        (404, "notFound", Reason.MISSING),
        (412, "conditionNotMet", Reason.CONDITION),
        (429, "rateLimitExceeded", Reason.UNREACHABLE),
        (429, "quotaExceeded", Reason.UNREACHABLE),
        (500, "backendError", Reason.UNREACHABLE),
        (502, "badGateway", Reason.UNREACHABLE),
        (503, "backendError", Reason.UNREACHABLE),
        (503, "insufficientCapacity", Reason.CAPACITY),
    ],
)
def test_a_bad_answer_has_its_reason(gce: Gce, status: int, word: str, reason: Reason) -> None:
    gce.machines.add(NAME)
    gce.faults = [Fault("get", status, word)]
    assert reason_of(a_vm(gce).status) is reason


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (502, b'{"error": "bad gateway"}', Reason.UNREACHABLE),
        (404, b'"nothing here"', Reason.UNREACHABLE),
        (403, b'{"error": {"errors": "blocked"}}', Reason.PERMISSION),
        (403, b'{"error": {"errors": [{"message": 3}]}}', Reason.PERMISSION),
    ],
)
def test_what_a_proxy_answers_is_a_fault_too(
    gce: Gce, status: int, body: bytes, reason: Reason
) -> None:
    gce.machines.add(NAME)
    gce.faults = [Fault("get", status, body=body)]
    assert reason_of(a_vm(gce).status) is reason


def test_no_answer_at_all_is_out_of_reach_and_over_when_it_is_over(gce: Gce) -> None:
    gce.machines.add(NAME)
    gce.faults = [Fault("get", cut=True)]
    vm = a_vm(gce)
    assert reason_of(vm.status) is Reason.UNREACHABLE
    eventually(lambda: not _raises(vm.status, Reason.UNREACHABLE))
    assert (
        reason_of(Vm(Fleet(Api("http://127.0.0.1:1")), ERP, Sleep.STOP).status)
        is Reason.UNREACHABLE
    )


def test_a_provider_that_hangs_is_given_up_in_time(gce: Gce) -> None:
    gce.machines.add(NAME)
    gce.faults = [Fault("get", wait_s=60)]
    assert reason_of(a_vm(gce).status) is Reason.UNREACHABLE


@pytest.mark.parametrize(
    ("status", "word"),
    [(429, "rateLimitExceeded"), (429, "quotaExceeded"), (403, "rateLimitExceeded")],
)
def test_a_provider_that_is_overloaded_is_asked_seldom(gce: Gce, status: int, word: str) -> None:
    gce.machines.add(NAME)
    gce.faults = [Fault("any", status, word, times=1000)]
    vm = a_vm(gce)
    for _ in range(500):
        assert reason_of(vm.status) is Reason.UNREACHABLE
    assert len(gce.calls) <= 3


def test_a_vm_that_was_deleted_meanwhile_is_missing(gce: Gce) -> None:
    machine = gce.machines.add(NAME)
    vm = a_vm(gce)
    assert vm.status().phase is Phase.STOPPED
    gce.machines.remove(machine)
    assert reason_of(vm.start) is Reason.MISSING


def test_what_another_party_did_is_seen(gce: Gce) -> None:
    machine = gce.machines.add(NAME)
    clock = Clock()
    vm = Vm(a_fleet(gce, clock), ERP, Sleep.STOP)
    assert vm.status().phase is Phase.STOPPED
    gce.machines.set_status(machine, "RUNNING")
    clock.now += 6
    assert vm.status().phase is Phase.RUNNING
    gce.machines.set_status(machine, "TERMINATED")
    clock.now += 1
    assert vm.status().phase is Phase.STOPPED


def test_without_credentials_says_so_and_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gce: Gce
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UpstreamError, match="there are no credentials for Google Cloud") as error:
        Vm(Fleet(Api(None)), ERP, Sleep.STOP).status()
    assert error.value.reason is Reason.CREDENTIALS
    assert gce.calls == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "was not found"),
        ("{", "is not a valid json file"),
        ("{}", "type"),
        ("[]", "holds no key"),
        (Path(), "can't be read: Is a directory"),
    ],
)
def test_a_key_that_can_not_be_used_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | Path | None, fault: str
) -> None:
    key = tmp_path / "key.json"
    if isinstance(text, Path):
        key.mkdir()
    elif text is not None:
        key.write_text(text)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with pytest.raises(UpstreamError) as error:
        Vm(Fleet(Api(None)), ERP, Sleep.STOP).status()
    said = str(error.value)
    assert error.value.reason is Reason.CREDENTIALS
    assert f"{key} " in said
    assert fault in said
    assert said.endswith("; mend GOOGLE_APPLICATION_CREDENTIALS")


def test_names_the_permissions_that_a_wake_lacks_as_far_as_it_is_told(gce: Gce) -> None:
    gce.machines.add(NAME)
    vm = a_vm(gce)
    assert vm.lacks() == []
    gce.denied = {"compute.instances.resume"}
    assert vm.lacks() == ["compute.instances.resume"]
    gce.denied |= {"compute.instances.testIamPermissions"}
    assert vm.lacks() == ()


# The second lock, and the address.


@pytest.mark.parametrize("labels", [{}, {"waitroom": "false"}, {"other": "true"}])
def test_a_vm_without_the_demanded_label_is_left_alone(gce: Gce, labels: dict[str, str]) -> None:
    for state in ("RUNNING", "TERMINATED"):
        gce.machines.add(NAME, status=state, labels=labels)
        vm = a_vm(gce, require_label=("waitroom", "true"))
        for act in (vm.status, vm.start, vm.stop):
            assert reason_of(act) is Reason.PERMISSION
    assert gce.orders() == []


def test_a_vm_with_the_demanded_label_is_ours(gce: Gce) -> None:
    gce.machines.add(NAME, labels={"waitroom": "true"})
    vm = a_vm(gce, require_label=("waitroom", "true"))
    vm.start()
    wait_for(vm, Phase.RUNNING)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("internal", "http://10.0.0.2:8080"),
        ("external", "http://203.0.113.7:8080"),
        ("erp-1.internal.example.com", "http://erp-1.internal.example.com:8080"),
    ],
)
def test_the_address_is_the_one_that_is_asked_for(gce: Gce, address: str, url: str) -> None:
    gce.machines.add(NAME, status="RUNNING", external="203.0.113.7")
    assert a_vm(gce, address=address).status().url == url


def test_an_address_that_the_vm_does_not_have_is_said(gce: Gce) -> None:
    gce.machines.add(NAME, status="RUNNING")
    assert reason_of(a_vm(gce, address="external").status) is Reason.CONDITION


# What a status costs.


def many(gce: Gce, fleet: Fleet, count: int) -> list[Vm]:
    vms = [replace(ERP, instance=f"vm-{number}") for number in range(count)]
    for vm in vms:
        gce.machines.add(vm.instance)
    return [Vm(fleet, vm, Sleep.STOP) for vm in vms]


def sweep(gce: Gce, vms: list[Vm]) -> list[str]:
    gce.calls.clear()
    assert {vm.status().phase for vm in vms} <= set(Phase)
    return gce.said()


def test_two_hundred_that_sleep_cost_a_few_calls_a_minute(gce: Gce) -> None:
    clock = Clock()
    vms = many(gce, a_fleet(gce, clock), 200)
    sweep(gce, vms)
    for _ in range(3):
        clock.now += 60
        assert sweep(gce, vms) == ["list"] * 4
        clock.now += 4
        assert sweep(gce, vms) == []


def test_only_what_was_asked_for_is_listed(gce: Gce) -> None:
    clock = Clock()
    vms = many(gce, a_fleet(gce, clock), 3)
    gce.machines.add("somebody-elses")
    sweep(gce, vms)
    clock.now += 60
    sweep(gce, vms)
    [call] = gce.calls
    assert "somebody" not in call.query["filter"]
    clock.now += 600  # two of three have gone from hosts.yaml
    assert sweep(gce, vms[:1]) == ["get"]


def test_where_listing_is_not_permitted_each_is_asked_for(gce: Gce) -> None:
    gce.denied = {"compute.instances.list"}
    clock = Clock()
    vms = many(gce, a_fleet(gce, clock), 5)
    sweep(gce, vms)
    clock.now += 60
    assert sweep(gce, vms) == ["list", *["get"] * 5]
    clock.now += 60
    assert sweep(gce, vms) == ["get"] * 5


def test_one_that_runs_is_asked_for_by_itself(gce: Gce) -> None:
    clock = Clock()
    vms = many(gce, a_fleet(gce, clock), 5)
    first = gce.machines.find(ZONE, "vm-0")
    assert isinstance(first, Machine)
    gce.machines.set_status(first, "RUNNING")
    sweep(gce, vms)
    clock.now += 60
    assert sweep(gce, vms) == ["get", "list"]


def test_an_order_is_followed_by_a_look_of_its_own(gce: Gce) -> None:
    [vm, *_] = many(gce, a_fleet(gce), 3)
    assert vm.status().phase is Phase.STOPPED
    vm.start()
    wait_for(vm, Phase.RUNNING)


# Loading.


def test_neither_process_loads_the_library_without_a_vm() -> None:
    code = """
import sys
import sidecar.daemon, waitroom.server
from waitroom.registry.document import parse
from waitroom.upstreams.connect import Connector
hosts = {"a.test": {"docker": {"container": "a"}, "url": "http://a"},
         "b.test": {"command": {"start": ["true"], "stop": ["true"], "status": ["true"]}, "url": "http://b"}}
for host in parse({"hosts": hosts}).hosts.values():
    Connector()(host)
print([name for name in sys.modules if name.split(".")[0] in ("google", "grpc")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
