"""Virtual machines on Google Compute Engine.

    state                                   start          stop
    TERMINATED, STOPPED                     start          -
    SUSPENDED                               resume         -
    PENDING, PROVISIONING, STAGING          - (joined)     - (somebody has just started it)
    RUNNING                                 - (joined)     stop, or suspend
    PENDING_STOP, STOPPING, SUSPENDING,
    DEPROVISIONING                          - (waited out) -
    REPAIRING                               - (waited out) -

An order is an operation that the API carries out after its answer, for minutes, and whose fault
(no capacity, no quota) stands in the operation alone. Its name is kept here and looked at by the
next `status()`; nobody waits for it. So an object of this class belongs to one who orders and then
asks; others have their own.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from waitroom.errors import Reason, UpstreamError
from waitroom.registry.named import GceUpstream
from waitroom.registry.values import Sleep
from waitroom.upstreams.base import Phase, Status, Upstream
from waitroom.upstreams.gce_api import Api
from waitroom.upstreams.gce_fleet import Fleet
from waitroom.upstreams.gce_machine import PHASES, WAKES, Machine

log = logging.getLogger(__name__)

# What a suspend ends in that this VM will never take; anything else may pass.
_NOT_SUSPENDABLE = (Reason.FAILED, Reason.CONDITION)

_PERMISSIONS = ("compute.instances.start", "compute.instances.resume")

_LOOK_AT_OPERATION_S = 1.0
# How long an order counts as under way if its operation may not be looked at.
_BLIND_S = 20.0


def fleet() -> Fleet:
    """Make what all VMs share, from the environment; nothing is asked yet."""
    return Fleet(Api(os.environ.get("GCE_API_ENDPOINT")))


@dataclass(slots=True)
class _Order:
    """An order to a VM; under way from the moment that its operation has a name."""

    action: str
    # Repeated until the order is taken, so that one whose answer was lost is not taken twice.
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    operation: str | None = None
    taken: float = 0.0  # monotonic
    looked: float = 0.0  # monotonic


class Vm(Upstream):
    """One VM."""

    def __init__(self, fleet: Fleet, vm: GceUpstream, sleep: Sleep) -> None:
        self._fleet = fleet
        self._vm = vm
        self._sleep = sleep
        self._order: _Order | None = None

    def status(self) -> Status:
        """Say what the VM does; a fault of the operation under way is raised, once."""
        self._follow()
        machine = self._demand_label(self._fleet.look(self._vm))
        phase = PHASES.get(machine.status)
        if phase is None:
            text = f"VM {self._vm.instance!r} is in the unknown state {machine.status!r}"
            raise UpstreamError(Reason.UNREACHABLE, text)
        if phase is not Phase.RUNNING:
            # Between the order and the first sign of it: not to be started again.
            starts = phase is Phase.STOPPED and self._is_starting()
            return Status(Phase.STARTING if starts else phase, detail=machine.status)
        return Status(phase, machine.started_at, machine.status, self._url(machine))

    def start(self) -> None:
        """Start or resume the VM if it sleeps."""
        action = WAKES.get(self._look_now().status)
        if action:
            self._give(action)

    def stop(self) -> None:
        """Stop or suspend the VM if it runs; one that can't be suspended is stopped."""
        if self._look_now().status != "RUNNING":
            return
        if self._sleep is not Sleep.SUSPEND or self._vm in self._fleet.unsuspendable:
            self._give("stop")
            return
        try:
            self._give("suspend")
        except UpstreamError as error:
            if error.reason not in _NOT_SUSPENDABLE:
                raise
            self._note_unsuspendable(error)
            self._give("stop")

    def lacks(self) -> Sequence[str]:
        """Ask which of the waiting room's permissions are missing; a refusal to tell is none."""
        try:
            permitted = self._fleet.api.permitted(self._vm, _PERMISSIONS)
        except UpstreamError as error:
            log.debug("VM %s: its permissions can't be asked for: %s", self._vm.instance, error)
            return ()
        return [each for each in _PERMISSIONS if each not in permitted]

    def _look_now(self) -> Machine:
        return self._demand_label(self._fleet.look_again(self._vm))

    def _demand_label(self, machine: Machine) -> Machine:
        """Refuse a VM that does not say itself that it may be put to sleep and woken."""
        if self._vm.require_label:
            key, value = self._vm.require_label
            if machine.labels.get(key) != value:
                text = (
                    f"VM {self._vm.instance!r} lacks the label {key}={value} that"
                    " gce.require_label demands"
                )
                raise UpstreamError(Reason.PERMISSION, text)
        return machine

    def _url(self, machine: Machine) -> str:
        name = self._vm.address
        known = {"internal": machine.internal, "external": machine.external}
        address = known.get(name, name)
        if address is None:
            text = f"VM {self._vm.instance!r} runs, and has no {name} address; mend `address`"
            raise UpstreamError(Reason.CONDITION, text)
        return f"http://{address}:{self._vm.port}"

    def _give(self, action: str) -> None:
        if self._order is None or self._order.action != action or self._order.operation:
            self._order = _Order(action)
        order = self._order
        order.operation = self._fleet.api.order(self._vm, action, order.request_id)
        order.taken = time.monotonic()
        self._fleet.forget(self._vm)
        log.info("VM %s: %s is under way (%s)", self._vm.instance, action, order.operation)

    def _is_starting(self) -> bool:
        order = self._order
        return bool(order and order.operation and order.action in WAKES.values())

    def _follow(self) -> None:
        """Look at the operation under way. Raises: UpstreamError, the one in which it ended."""
        order = self._order
        if order is None or order.operation is None:
            return
        if time.monotonic() - order.looked < _LOOK_AT_OPERATION_S:
            return
        outcome = self._outcome(order)
        order.looked = time.monotonic()
        if outcome is False:
            return
        self._order = None
        self._fleet.forget(self._vm)
        if isinstance(outcome, UpstreamError):
            if order.action == "suspend" and outcome.reason in _NOT_SUSPENDABLE:
                self._note_unsuspendable(outcome)
            raise outcome

    def _outcome(self, order: _Order) -> UpstreamError | bool:
        if self._fleet.sees_operations:
            try:
                return self._fleet.api.outcome(self._vm, str(order.operation))
            except UpstreamError as error:
                if error.reason is not Reason.PERMISSION:
                    raise
                # Roles that are bound to a VM alone don't let us: its state must do.
                self._fleet.sees_operations = False
                log.warning("Compute Engine does not tell why an order fails: %s", error)
        if time.monotonic() - order.taken <= _BLIND_S:
            return False
        if order.action == "suspend" and self._look_now().status == "RUNNING":
            text = f"VM {self._vm.instance!r} was told to suspend and runs {_BLIND_S:g} s later"
            return UpstreamError(Reason.FAILED, text)
        return True

    def _note_unsuspendable(self, error: UpstreamError) -> None:
        self._fleet.unsuspendable.add(self._vm)
        log.warning("VM %s: can't be suspended, so it is stopped: %s", self._vm.instance, error)
