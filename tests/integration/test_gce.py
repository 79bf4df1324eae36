"""A VM sleeps and wakes through the real Traefik, waiting room and sidecar.

Compute Engine is the server of tests/gce; CYCLES=20 is the long form.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.gce.server import ZONE, Fault, Gce, Metadata
from tests.integration.vm import HOST, VmStack
from tests.support import eventually


@pytest.fixture
def stack(tmp_path: Path, gce: Gce, metadata: Metadata) -> Iterator[VmStack]:
    """A stack that is not started yet, with a VM that sleeps."""
    stack = VmStack(tmp_path, gce, metadata)
    yield stack
    stack.close()


def is_found_asleep(stack: VmStack) -> bool:
    return stack.get().headers.get("X-Waitroom") == "asleep"


def test_a_vm_sleeps_and_wakes_at_another_address_and_no_visitor_meets_an_error(
    stack: VmStack, metadata: Metadata
) -> None:
    cycles = int(os.environ.get("CYCLES", "3"))
    stack.start()
    eventually(lambda: is_found_asleep(stack))
    faults: list[str] = []
    served = 0
    ended, busy = threading.Event(), threading.Event()

    def visit() -> None:
        nonlocal served
        while not ended.wait(0.05):
            if not busy.is_set():
                continue
            try:
                answer = stack.get()
            except requests.RequestException as error:
                faults.append(repr(error))
            else:
                served += 1
                if answer.status_code >= 500 and "X-Waitroom" not in answer.headers:
                    faults.append(str(answer.status_code))

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        for cycle in range(1, cycles + 1):
            busy.set()
            stack.wake()
            seen = served
            eventually(lambda before=seen: served > before + 5, what="the app serves")  # type: ignore[misc]
            busy.clear()
            eventually(stack.is_asleep, within_s=40, what="it sleeps again")
            eventually(lambda n=cycle: len(stack.events("slept")) == n)  # type: ignore[misc]
    finally:
        ended.set()
        visitor.join()
    assert faults == []
    assert len(set(stack.addresses)) == cycles
    assert stack.gce.machines.taken == ["start erp-1", "stop erp-1"] * cycles
    assert any("token" in path for path in metadata.asked)
    assert stack.gce.said("list", "aggregatedList") == []


def test_a_suspended_vm_is_resumed(stack: VmStack) -> None:
    stack.hosts[HOST]["sleep"] = "suspend"
    stack.write_hosts()
    stack.start()
    eventually(lambda: is_found_asleep(stack))
    stack.wake()
    eventually(stack.is_asleep, within_s=40)
    assert stack.machine.status == "SUSPENDED"
    stack.wake()
    assert stack.gce.machines.taken == ["start erp-1", "suspend erp-1", "resume erp-1"]


def test_a_stop_that_fails_is_tried_until_the_vm_is_stopped(stack: VmStack, gce: Gce) -> None:
    gce.faults = [Fault("stop", 403, "forbidden", times=2)]
    stack.start()
    eventually(lambda: is_found_asleep(stack))
    stack.wake()
    eventually(lambda: len(stack.events("stop_failed")) == 2, within_s=40)
    assert stack.events("stop_failed")[0]["reason"] == "permission"
    assert "could not be stopped, will be tried again" in stack.log("sidecar")
    eventually(lambda: stack.events("slept"), within_s=60)
    assert stack.machine.status == "TERMINATED"
    stack.wake()


def test_the_sidecar_asks_nothing_about_a_vm_that_sleeps(stack: VmStack, gce: Gce) -> None:
    stack.start()
    eventually(lambda: is_found_asleep(stack))
    stack.wake()
    eventually(lambda: stack.events("slept"), within_s=40)
    stack.end("waitroom")
    looked = len(gce.calls)
    deadline = time.monotonic() + 8  # four times idle_after, and longer than any look holds
    while time.monotonic() < deadline:
        assert len(gce.calls) == looked
        time.sleep(0.1)
    stack.start("waitroom")
    stack.wake()
    eventually(lambda: len(stack.events("slept")) == 2, within_s=40)


def test_without_capacity_the_wake_goes_on_until_there_is_some(stack: VmStack, gce: Gce) -> None:
    gce.machines.failing = [("ZONE_RESOURCE_POOL_EXHAUSTED", "the zone is full")]
    stack.start("waitroom", "traefik")
    eventually(lambda: is_found_asleep(stack))
    assert stack.post_wake(stack.token(stack.get())).status_code == requests.codes.accepted
    eventually(lambda: "free machine" in stack.get(headers={"Accept": "text/plain"}).text)
    eventually(stack.is_awake)
    assert gce.machines.taken == ["start erp-1"] * 2


def test_a_quota_that_is_used_up_is_told_on_the_page_and_in_the_record(
    stack: VmStack, gce: Gce
) -> None:
    gce.machines.failing = [("QUOTA_EXCEEDED", "Quota 'CPUS' exceeded.")]
    stack.start()
    eventually(lambda: is_found_asleep(stack))
    assert stack.post_wake(stack.token(stack.get())).status_code == requests.codes.accepted
    eventually(lambda: stack.events("wake_failed"))
    assert stack.events("wake_failed")[0]["reason"] == "quota"
    assert "quota" in stack.get(headers={"Accept": "text/plain"}).text


def test_a_vm_that_was_restarted_by_hand_is_found_at_its_new_address(
    stack: VmStack, gce: Gce
) -> None:
    stack.start("waitroom", "traefik")
    eventually(lambda: is_found_asleep(stack))
    stack.wake()
    for status in ("STOPPING", "TERMINATED", "PROVISIONING", "RUNNING"):
        gce.machines.set_status(stack.machine, status)
    eventually(stack.is_awake)
    assert stack.addresses[-1] in (stack.routes / f"{HOST}.yml").read_text()


# check: one line a finding.


def check(stack: VmStack, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "waitroom", "check"],
        env=stack.environment | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("hosts.")]


def test_finds_nothing_wrong_with_a_vm_that_is_well(stack: VmStack) -> None:
    assert check(stack) == []


def _without_permission(stack: VmStack) -> None:
    stack.gce.denied = {"compute.instances.get"}


def _without_right_to_start(stack: VmStack) -> None:
    stack.gce.denied = {"compute.instances.start"}


def _in_another_zone(stack: VmStack) -> None:
    stack.hosts[HOST]["gce"]["zone"] = "asia-southeast9-a"


def _unknown(stack: VmStack) -> None:
    stack.hosts[HOST]["gce"]["instance"] = "erp-2"


def _not_here(stack: VmStack) -> None:
    stack.gce.zones.add("europe-west1-b")
    stack.hosts[HOST]["gce"]["zone"] = "europe-west1-b"


def _without_label(stack: VmStack) -> None:
    stack.about["require_label"] = "waitroom=true"


def _without_api(stack: VmStack) -> None:
    stack.gce.enabled = False


def _without_answer(stack: VmStack) -> None:
    stack.environment["GCE_API_ENDPOINT"] = "http://127.0.0.1:1"


def _without_address(stack: VmStack) -> None:
    stack.machine.status = "RUNNING"
    stack.hosts[HOST]["address"] = "external"


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        (_without_permission, "permission: VM 'erp-1': 403: Required 'compute.instances.get' permission for 'projects/my-project/zones/asia-southeast2-a/instances/erp-1'"),
        (_without_right_to_start, "permission: a wake lacks compute.instances.start"),
        (_in_another_zone, "missing: there is no zone 'asia-southeast9-a'; mend it in hosts.yaml"),
        (_not_here, "missing: there is no VM 'erp-1' in zone 'europe-west1-b' of project 'my-project'; mend it in hosts.yaml, or create it"),
        (_unknown, f"missing: there is no VM 'erp-2' in zone '{ZONE}' of project 'my-project'; mend it in hosts.yaml, or create it"),
        (_without_label, "permission: VM 'erp-1' lacks the label waitroom=true that gce.require_label demands"),
        (_without_api, "permission: the Compute Engine API is not enabled in project 'my-project': gcloud services enable compute.googleapis.com --project my-project"),
        (_without_answer, "unreachable: Compute Engine does not answer: "),
        (_without_address, "condition: VM 'erp-1' runs, and has no external address; mend `address`"),
    ],
)  # fmt: skip
def test_check_names_what_is_wrong_in_one_line(stack: VmStack, wrong: object, finding: str) -> None:
    wrong(stack)  # type: ignore[operator]
    stack.write_hosts()
    [line] = check(stack)
    assert line.startswith(f"hosts.'{HOST}': {finding}")


def test_check_names_missing_credentials_once_for_all_hosts(stack: VmStack) -> None:
    stack.hosts["b.test"] = {**stack.hosts[HOST], "gce": {"instance": "erp-2", "zone": ZONE}}
    stack.write_hosts()
    nowhere = {"GCE_METADATA_HOST": "127.0.0.1:1", "GCE_METADATA_IP": "127.0.0.1:1"}
    [line] = check(stack, NO_GCE_CHECK="true", HOME=str(stack.data), **nowhere)
    assert line.startswith(f"hosts.'{HOST}': credentials: ")
