"""Virtual machines as Compute Engine's life cycle has them: what the test server serves.

Sources: the public v1 REST reference (instances, zoneOperations) and the page on the instance life
cycle. Threads: any may call; each order runs in one of its own.
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

SLEEPING = {"stop": "TERMINATED", "suspend": "SUSPENDED"}
_FROM = {
    "start": ("TERMINATED", "STOPPED"),
    "resume": ("SUSPENDED",),
    "stop": ("RUNNING", "STAGING", "PROVISIONING", "SUSPENDED", "REPAIRING"),
    "suspend": ("RUNNING",),
}
_HARMLESS = {
    "start": ("RUNNING", "PROVISIONING", "STAGING"),
    "resume": (),
    "stop": ("TERMINATED", "STOPPED"),
    "suspend": (),
}
_THROUGH = {
    "start": ("PROVISIONING", "STAGING", "RUNNING"),
    "resume": ("PROVISIONING", "STAGING", "RUNNING"),
    "stop": ("STOPPING", "TERMINATED"),
    "suspend": ("SUSPENDING", "SUSPENDED"),
}


class Refused(Exception):  # noqa: N818 - an answer, in the words of the API
    """The documented error body of a request."""

    def __init__(
        self, code: int, reason: str, message: str, domain: str = "global", body: bytes = b""
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.domain = code, reason, domain
        self.body = body  # instead of it, if any


@dataclass(slots=True)
class Machine:
    """One instance."""

    name: str
    zone: str = "asia-southeast2-a"
    status: str = "TERMINATED"
    labels: dict[str, str] = field(default_factory=dict)
    can_suspend: bool = True
    address: str = "10.0.0.2"
    external: str | None = None
    number: str = "1"
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    under_way: Operation | None = None


@dataclass(slots=True)
class Operation:
    """One zone operation."""

    kind: str
    machine: Machine
    number: str
    name: str = field(default_factory=lambda: f"operation-{uuid.uuid4()}")
    status: str = "PENDING"
    errors: list[tuple[str, str]] = field(default_factory=list)  # code, message
    done: threading.Event = field(default_factory=threading.Event)
    joins: Operation | None = None  # the same order was under way already


class Machines:
    """All instances and operations of the one project."""

    def __init__(self, *, step_s: float = 0.0) -> None:
        self.step_s = (
            step_s  # how long each state on the way lasts, and how long an operation waits
        )
        self.addresses: Callable[[Machine], str] = lambda machine: machine.address
        self.changed: Callable[[Machine], None] = lambda _: None  # after each change of a status
        self.failing: list[tuple[str, str]] = []  # the next operations end in these errors
        self.taken: list[str] = []  # "start NAME": the orders that took effect
        self._machines: dict[tuple[str, str], Machine] = {}
        self._operations: dict[str, Operation] = {}
        self._requests: dict[str, Operation] = {}
        self._numbers = itertools.count(1000)
        self._lock = threading.RLock()

    def add(self, name: str, **values: object) -> Machine:
        machine = Machine(name, number=str(next(self._numbers)), **values)  # type: ignore[arg-type]
        self._machines[machine.zone, name] = machine
        return machine

    def remove(self, machine: Machine) -> None:
        with self._lock:
            del self._machines[machine.zone, machine.name]

    def of_zone(self, zone: str | None) -> list[Machine]:
        with self._lock:
            return [machine for (of, _), machine in self._machines.items() if zone in (None, of)]

    def find(self, zone: str, name: str) -> Machine | None:
        return self._machines.get((zone, name))

    def operation(self, name: str) -> Operation | None:
        return self._operations.get(name)

    def set_status(self, machine: Machine, status: str) -> None:
        """Move a machine on, also as another party would."""
        with self._lock:
            if status == "RUNNING" and machine.status != "RUNNING":
                machine.started_at = datetime.now(UTC)
            if status in SLEEPING.values():
                machine.stopped_at = datetime.now(UTC)
            if status == "PROVISIONING":
                machine.address = self.addresses(machine)
            machine.status = status
        self.changed(machine)

    def order(self, kind: str, machine: Machine, request_id: str | None) -> Operation:
        """Take an order, or return the operation of the same one. Raises: Refused."""
        with self._lock:
            if request_id in self._requests:
                return self._requests[request_id]
            operation = self._new_operation(kind, machine)
            if request_id:
                self._requests[request_id] = operation
            self._operations[operation.name] = operation
            if operation.done.is_set():
                return operation
            if operation.joins is None:
                machine.under_way = operation
                self.taken.append(f"{kind} {machine.name}")
                operation.errors = [self.failing.pop(0)] if self.failing else []
        threading.Thread(target=self._run, args=(operation,), daemon=True).start()
        return operation

    def _new_operation(self, kind: str, machine: Machine) -> Operation:
        operation = Operation(kind, machine, str(next(self._numbers)))
        if machine.under_way and machine.under_way.kind == kind:
            operation.joins = machine.under_way
        elif machine.status in _HARMLESS[kind]:
            operation.status = "DONE"
            operation.done.set()
        elif machine.under_way or machine.status not in _FROM[kind]:
            what = f"The resource '{machine.name}' is not ready: it is {machine.status}"
            raise Refused(400, "resourceNotReady", what)
        elif kind == "suspend" and not machine.can_suspend:
            raise Refused(400, "invalid", "Instances with guest accelerators cannot be suspended.")
        return operation

    def _run(self, operation: Operation) -> None:
        time.sleep(self.step_s)
        operation.status = "RUNNING"
        if operation.joins:
            operation.joins.done.wait()
        elif operation.errors:
            time.sleep(self.step_s)
        else:
            *on_the_way, last = _THROUGH[operation.kind]
            for status in on_the_way:
                self.set_status(operation.machine, status)
                time.sleep(self.step_s)
            self.set_status(operation.machine, last)
        with self._lock:
            if operation.joins is None:
                operation.machine.under_way = None
            operation.status = "DONE"
        operation.done.set()
