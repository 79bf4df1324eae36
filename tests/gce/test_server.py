"""The test server against the real library: what the reference says, and nothing of ours."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1

from tests.gce.server import PROJECT, ZONE, Fault, Gce

WHERE = {"project": PROJECT, "zone": ZONE}


@pytest.fixture
def gce() -> Iterator[Gce]:
    with Gce() as server:
        yield server


@pytest.fixture
def instances(gce: Gce) -> Iterator[compute_v1.InstancesClient]:
    with compute_v1.InstancesClient(**_options(gce)) as client:
        yield client


def _options(gce: Gce) -> dict[str, object]:
    options = ClientOptions(api_endpoint=gce.url)
    return {"client_options": options, "credentials": AnonymousCredentials()}


def _start(instances: compute_v1.InstancesClient, request_id: str) -> compute_v1.Operation:
    request = {**WHERE, "instance": "erp-1", "request_id": request_id}
    return instances.start_unary(request, retry=None, timeout=5)


def test_a_started_instance_goes_through_its_states_to_running(
    gce: Gce, instances: compute_v1.InstancesClient
) -> None:
    seen: list[str] = []
    gce.machines.changed = lambda machine: seen.append(machine.status)
    gce.machines.add("erp-1")
    operation = _start(instances, str(uuid.uuid4()))
    with compute_v1.ZoneOperationsClient(**_options(gce)) as operations:
        ended = operations.wait(**WHERE, operation=operation.name, retry=None, timeout=5)
    assert ended.status is compute_v1.Operation.Status.DONE
    assert seen == ["PROVISIONING", "STAGING", "RUNNING"]
    found = instances.get(**WHERE, instance="erp-1")
    assert (found.status, bool(found.last_start_timestamp)) == ("RUNNING", True)


def test_the_same_request_is_the_same_operation(
    gce: Gce, instances: compute_v1.InstancesClient
) -> None:
    gce.machines.add("erp-1")
    request_id = str(uuid.uuid4())
    assert _start(instances, request_id).name == _start(instances, request_id).name
    assert gce.machines.taken == ["start erp-1"]


def test_lists_what_the_filter_names(gce: Gce, instances: compute_v1.InstancesClient) -> None:
    for number in range(5):
        gce.machines.add(f"vm-{number}")
    for wanted in ('(name = "vm-1") OR (name = "vm-3")', "name eq vm-1"):
        request = {**WHERE, "filter": wanted, "max_results": 1}
        names = [each.name for each in instances.list(request, retry=None)]
        assert names == (["vm-1", "vm-3"] if "OR" in wanted else ["vm-1"])
    scopes = dict(instances.aggregated_list(project=PROJECT))
    assert len(scopes[f"zones/{ZONE}"].instances) == 5


@pytest.mark.parametrize(
    ("zone", "name", "raised"),
    [
        (ZONE, "none", exceptions.NotFound),
        ("nowhere-1-a", "erp-1", exceptions.BadRequest),
        (ZONE, "erp-1", exceptions.BadRequest),  # it is stopping
    ],
)
def test_refuses_with_the_documented_body(
    gce: Gce, instances: compute_v1.InstancesClient, zone: str, name: str, raised: type[Exception]
) -> None:
    gce.machines.add("erp-1", status="STOPPING")
    request = {**WHERE, "zone": zone, "instance": name}
    with pytest.raises(raised) as error:
        instances.start_unary(request, retry=None)
    assert error.value.errors[0]["reason"] in ("notFound", "invalid", "resourceNotReady")


def test_takes_an_order_whose_answer_it_was_told_to_cut(
    gce: Gce, instances: compute_v1.InstancesClient
) -> None:
    gce.machines.add("erp-1")
    gce.faults.append(Fault("start", cut=True))
    with pytest.raises(OSError, match="Remote end closed"):
        _start(instances, str(uuid.uuid4()))
    assert gce.machines.taken == ["start erp-1"]
