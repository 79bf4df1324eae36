"""The calls to Compute Engine that we make, through google-cloud-compute.

The library's types and errors end here. Its own retries are not used: they leave out 429 and cut
connections, and each retry of theirs outlives our time-outs. Whoever asks for a status asks again
anyhow; an order is repeated here, with the same requestId, so that it is taken once.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import google.auth
from google.api_core.client_options import ClientOptions
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import compute_v1

from waitroom.errors import Reason, UpstreamError
from waitroom.registry.named import GceUpstream
from waitroom.upstreams import gce_errors
from waitroom.upstreams.gce_back_off import BackOff
from waitroom.upstreams.gce_machine import Machine, read_machine

_SCOPES = ("https://www.googleapis.com/auth/compute",)
_TIMEOUT_S = 5.0
_ORDER_TIMEOUT_S = 10.0
# Names in one filter: a URL of 200 names would be longer than some take.
_NAMES_AT_ONCE = 50

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _Clients:
    instances: compute_v1.InstancesClient
    operations: compute_v1.ZoneOperationsClient


class Api:
    """Every call raises UpstreamError and nothing else. Threads: any may call."""

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._clients: _Clients | None = None
        self._connecting, self._counting = threading.Lock(), threading.Lock()
        self._back_off = BackOff()
        self._calls: Counter[str] = Counter()

    def calls(self) -> Mapping[str, int]:
        """Return how many there were of each kind: they have a limit a day."""
        with self._counting:
            return dict(self._calls)

    def get(self, vm: GceUpstream) -> Machine:
        """Look at one VM."""
        request = {**_zone(vm), "instance": vm.instance}
        return self._call(
            vm,
            "instances.get",
            lambda to: read_machine(to.instances.get(request, retry=None, timeout=_TIMEOUT_S)),
        )

    def find(self, vms: Sequence[GceUpstream]) -> dict[str, Machine]:
        """Look at several VMs of one zone, in as few calls as can be; by their names.

        It lists these names and no others. One that is missing in the answer is left out.
        """
        found: dict[str, Machine] = {}
        for first in range(0, len(vms), _NAMES_AT_ONCE):
            found |= self._list(vms[first : first + _NAMES_AT_ONCE])
        return found

    def _list(self, vms: Sequence[GceUpstream]) -> dict[str, Machine]:
        request = {
            **_zone(vms[0]),
            "filter": " OR ".join(f'(name = "{vm.instance}")' for vm in vms),
        }
        wanted = {vm.instance for vm in vms}
        return self._call(
            vms[0],
            "instances.list",
            lambda to: {
                each.name: read_machine(each)
                for each in to.instances.list(request, retry=None, timeout=_TIMEOUT_S)
                if each.name in wanted
            },
        )

    def order(self, vm: GceUpstream, action: str, request_id: str) -> str:
        """Start, resume, stop or suspend a VM; return the name of the operation that does it."""
        request = {**_zone(vm), "instance": vm.instance, "request_id": request_id}
        kind = f"instances.{action}"

        def call(to: _Clients) -> str:
            # `start()` would follow the operation through a client of its own, with the real
            # endpoint and for minutes; `start_unary()` returns at once.
            method = getattr(to.instances, f"{action}_unary")
            return str(method(request, retry=self._repeat(kind), timeout=_ORDER_TIMEOUT_S).name)

        return self._call(vm, kind, call)

    def outcome(self, vm: GceUpstream, operation: str) -> UpstreamError | bool:
        """Return whether an operation has ended, or in which error it did."""
        request = {**_zone(vm), "operation": operation}
        found = self._call(
            vm,
            "zoneOperations.get",
            lambda to: to.operations.get(request, retry=None, timeout=_TIMEOUT_S),
        )
        if found.status != compute_v1.Operation.Status.DONE:
            return False
        errors = [(each.code, each.message) for each in found.error.errors]
        return gce_errors.of_operation(vm, errors) if errors else True

    def permitted(self, vm: GceUpstream, permissions: Sequence[str]) -> set[str]:
        """Return those of the permissions that we have on a VM."""
        request = {
            **_zone(vm),
            "resource": vm.instance,
            "test_permissions_request_resource": {"permissions": list(permissions)},
        }
        answer = self._call(
            vm,
            "instances.testIamPermissions",
            lambda to: to.instances.test_iam_permissions(request, retry=None, timeout=_TIMEOUT_S),
        )
        return set(answer.permissions)

    def _repeat(self, kind: str) -> Retry:
        """Repeat an order while what is wrong will pass; each time is a call."""
        return Retry(
            predicate=gce_errors.is_passing,
            initial=0.3,
            multiplier=2,
            maximum=2,
            timeout=8,
            on_error=lambda _: self._count(kind),
        )

    def _call(self, vm: GceUpstream, kind: str, call: Callable[[_Clients], _Answer]) -> _Answer:
        """Make one call of a kind: the API's own name of its method."""
        self._back_off.demand_over()
        try:
            clients = self._connected()
            self._count(kind)
            answer = call(clients)
        except gce_errors.FAULTS as error:
            fault = gce_errors.of_call(vm, error)
            if fault.reason is Reason.CREDENTIALS:
                self._clients = None  # a key that was replaced is read anew
            if gce_errors.is_passing(error) or fault.reason is Reason.CREDENTIALS:
                self._back_off.begin(fault)
            raise fault from error
        self._back_off.end()
        return answer

    def _count(self, kind: str) -> None:
        with self._counting:
            self._calls[kind] += 1

    def _connected(self) -> _Clients:
        with self._connecting:
            if self._clients is None:
                credentials = _credentials(lenient=self._endpoint is not None)
                options = ClientOptions(api_endpoint=self._endpoint)
                self._clients = _Clients(
                    compute_v1.InstancesClient(credentials=credentials, client_options=options),
                    compute_v1.ZoneOperationsClient(
                        credentials=credentials, client_options=options
                    ),
                )
            return self._clients


def _zone(vm: GceUpstream) -> dict[str, str]:
    return {"project": vm.project, "zone": vm.zone}


def _credentials(*, lenient: bool) -> Credentials:
    """Find the Application Default Credentials; a test's endpoint may do without any."""
    try:
        found: Credentials = google.auth.default(scopes=_SCOPES)[0]
    except DefaultCredentialsError:
        if not lenient:
            raise
        return AnonymousCredentials()  # type: ignore[no-untyped-call]  # the library's
    except (OSError, AttributeError) as error:  # as the library meets a file that is no key
        key = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "the key of gcloud")
        why = f"can't be read: {error.strerror}" if isinstance(error, OSError) else "holds no key"
        raise DefaultCredentialsError(f"{key} {why}") from error  # type: ignore[no-untyped-call] # too
    return found
