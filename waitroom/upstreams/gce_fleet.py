"""What is known of all VMs, shared by everybody in this process, so that few calls are needed.

A look holds for a second, that of a VM which sleeps for five. To be wrong about one that sleeps is
harmless: it was started by another, and is noticed a little later; nothing is ever stopped or
started without a look of its own. When a look at a sleeping VM has become old, all of its zone
whose looks are old are listed in one call, so 200 VMs that sleep cost a few calls a sweep.

Listing needs a permission for the whole project; where that is not given, each VM is asked for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from waitroom.errors import Reason, UpstreamError
from waitroom.registry.named import GceUpstream
from waitroom.upstreams.gce_api import Api
from waitroom.upstreams.gce_machine import Machine

log = logging.getLogger(__name__)

_HOLDS_S = 1.0
_SLEEP_HOLDS_S = 5.0
# A VM that nobody asked for so long is not in hosts.yaml any more, and is not listed.
_REMEMBERED_S = 300.0
# Where listing is not permitted, it is tried again after so long.
_REFUSAL_HOLDS_S = 3600.0


@dataclass(slots=True)
class _Look:
    machine: Machine
    at: float  # monotonic
    asked: float  # monotonic: when somebody last wanted to know

    def holds(self, now: float) -> bool:
        return now - self.at < (_SLEEP_HOLDS_S if self.machine.sleeps else _HOLDS_S)


class Fleet:
    """Threads: any may call. Raises: UpstreamError."""

    def __init__(self, api: Api, clock: Callable[[], float] = time.monotonic) -> None:
        self.api = api
        self.unsuspendable: set[GceUpstream] = set()  # VMs that have refused to be suspended
        self.sees_operations = True  # until that is refused
        self._clock = clock
        self._looks: dict[GceUpstream, _Look] = {}
        self._listing = threading.Lock()
        self._may_list_from = 0.0  # by the clock

    def look(self, vm: GceUpstream) -> Machine:
        """Return what was seen of a VM a moment ago, or look."""
        look, now = self._looks.get(vm), self._clock()
        if look:
            look.asked = now
            if look.machine.sleeps and not look.holds(now):
                self._list(vm)
                look = self._looks.get(vm)
        return look.machine if look and look.holds(now) else self.look_again(vm)

    def look_again(self, vm: GceUpstream) -> Machine:
        """Look at a VM now."""
        machine, now = self.api.get(vm), self._clock()
        self._looks[vm] = _Look(machine, now, now)
        return machine

    def forget(self, vm: GceUpstream) -> None:
        """Let nobody go by what was seen before: the VM was given an order."""
        self._looks.pop(vm, None)

    def _list(self, vm: GceUpstream) -> None:
        """Look at all that sleep in a VM's zone, if that is cheaper than asking for this one."""
        with self._listing:
            old = self._old_looks(vm)
            if vm not in old or len(old) == 1 or self._clock() < self._may_list_from:
                return
            try:
                found = self.api.find(tuple(old))
            except UpstreamError as error:
                if error.reason in (Reason.UNREACHABLE, Reason.CREDENTIALS):
                    raise
                self._may_list_from = self._clock() + _REFUSAL_HOLDS_S
                log.info("VMs can't be listed, so each is asked about by itself: %s", error)
                return
            for each, look in old.items():
                machine = found.get(each.instance)
                # Whoever has forgotten the look meanwhile has given an order since.
                if machine and self._looks.get(each) is look:
                    self._looks[each] = _Look(machine, self._clock(), look.asked)

    def _old_looks(self, vm: GceUpstream) -> dict[GceUpstream, _Look]:
        now = self._clock()
        return {
            each: look
            for each, look in tuple(self._looks.items())
            if (each.project, each.zone) == (vm.project, vm.zone)
            and look.machine.sleeps
            and not look.holds(now)
            and now - look.asked < _REMEMBERED_S
        }
