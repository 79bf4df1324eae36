"""The sidecar's one loop: look, read, commit, and decide who is to sleep.

Only this thread reads the logs and writes activity.json. Whatever may block (a provider, a
handshake) runs in a thread of its own, one a host, and speaks back through `record`.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import schedule

from sidecar import connections
from sidecar.idle import Use, idle_for
from sidecar.looks import Looks
from sidecar.recorder import Recorder
from sidecar.sleep import CalledOff, Handshake, Proofs, Why
from traefik.folder import RouteFolder, Shadow
from waitroom.config import RegistryFile, Settings
from waitroom.errors import UpstreamError, WaitroomError
from waitroom.hosts import Host
from waitroom.locks import HostLocks
from waitroom.upstreams.base import Phase, Status
from waitroom.upstreams.connect import Connector

log = logging.getLogger(__name__)

_DECIDE_EVERY_S = 1
_HEARTBEAT_EVERY_S = 5
_COMMIT_EVERY_S = 1  # of what pours in; what comes line by line is committed at once
# How many hosts are asked about or put to sleep at once; each takes a thread while it lasts.
_AT_ONCE = 8
# When to look again at a host that does not run, or whose provider does not answer.
_LOOK_AGAIN_S = 60.0
# A host that was seen asleep is looked at again when its shadow goes: whoever wakes it, or finds it
# running, takes that away. Looked at all the same now and then, for one that was started by hand
# and never answers: it would run, and cost money, unseen.
_ASLEEP_LOOK_AGAIN_S = 600.0
# Pauses after a sleep was called off or a stop failed; they double up to the last.
_FIRST_RETRY_S = 2.0
_LAST_RETRY_S = 60.0


class Daemon:
    """Runs until `end` is called. Raises: WaitroomError when it can't go on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ended = threading.Event()
        self._file = RegistryFile(settings.hosts)
        self._proofs = Proofs()
        self._recorder = Recorder(
            data=settings.data,
            access_log=settings.access_log,
            registry=self._file.registry,
            on_canary=self._proofs.add,
            release_log=settings.release_log,
        )
        self._connect = Connector()
        self._folder = RouteFolder(settings.routes)
        self._handshake = Handshake(
            connect=self._connect,
            folder=self._folder,
            locks=HostLocks(settings.data),
            proofs=self._proofs,
            use=self._use,
            record=self._record,
            traefik_url=settings.traefik_url,
            waitroom_url=settings.url,
            ended=self._ended,
        )
        self._watched_since = datetime.now(UTC)
        self._had_network = connections.has_network()
        self._considered: set[str] = set()  # hosts that a thread is busy with
        self._due: dict[str, float] = {}  # monotonic: not to be considered before
        self._asleep_until: dict[str, float] = {}  # monotonic: seen asleep, believed so until then
        self._stopped: set[str] = set()  # hosts that were last seen not to run
        self._started: dict[str, datetime] = {}  # and when they were seen to run after that
        self._retry_s: dict[str, float] = {}
        self._why: dict[str, Why | None] = {}  # the last reason not to sleep, to say it once
        self._waits_for_log = False

    def end(self) -> None:
        """Make `run` return; safe to call from a signal handler."""
        self._ended.set()

    def run(self) -> None:
        """Loop until the end; then commit what was read and leave no host draining."""
        jobs = schedule.Scheduler()
        jobs.every(_DECIDE_EVERY_S).seconds.do(self._guarded, self._decide)
        jobs.every(_DECIDE_EVERY_S).seconds.do(self._guarded, self._reload)
        jobs.every(_HEARTBEAT_EVERY_S).seconds.do(self._guarded, self._beat)
        jobs.every(_COMMIT_EVERY_S).seconds.do(self._guarded, self._recorder.commit)
        looks = Looks(
            [self._settings.access_log, self._settings.data / "journal.jsonl"], self._ended
        )
        self._guarded(self._beat)
        self._guarded(self._end_stale_drains)
        try:
            while not self._ended.is_set():
                while self._recorder.read() and not self._ended.is_set():
                    jobs.run_pending()
                if not looks.is_busy():
                    self._recorder.commit()
                jobs.run_pending()
                self._demand_network()
                looks.wait()
        finally:
            self._close()

    def _close(self) -> None:
        self._ended.set()
        for name in tuple(self._considered):
            self._guarded(functools.partial(self._folder.call_off, name))
        self._recorder.close()

    def _guarded(self, job: Callable[[], object]) -> None:
        """Run a job; its fault must not end the loop, nor keep the jobs after it from running."""
        try:
            job()
        except (WaitroomError, OSError) as error:
            log.error("%s", error)
        except Exception:
            log.exception("a job broke; this is a fault of ours")

    def _decide(self) -> None:
        """Begin to consider every host whose recorded use is old enough."""
        if not self._may_decide():
            return
        now, clock = datetime.now(UTC), time.monotonic()
        for host in self._file.registry.hosts.values():
            if len(self._considered) >= _AT_ONCE:
                return
            if host.name in self._considered or not self._is_due(host.name, clock):
                continue
            left = host.idle_after - idle_for(self._use(host, None), now)
            if left.total_seconds() > 0:
                self._due[host.name] = clock + min(left.total_seconds(), _LOOK_AGAIN_S)
                self._why.pop(host.name, None)
                continue
            self._considered.add(host.name)
            threading.Thread(
                target=self._consider, args=(host,), name=f"sleep-{host.name}", daemon=True
            ).start()

    def _is_due(self, name: str, clock: float) -> bool:
        asleep_until = self._asleep_until.get(name)
        if asleep_until is None:
            return self._due.get(name, 0.0) <= clock
        if asleep_until > clock and self._folder.shadow(name):
            return False
        del self._asleep_until[name]
        return True

    def _may_decide(self) -> bool:
        """Whether all that happened so far is known; said once when it begins not to be."""
        if self._recorder.caught_up:
            self._waits_for_log = False
            return True
        if not self._waits_for_log:
            self._waits_for_log = True
            log.warning(
                "nothing is put to sleep until %s is read to its end", self._settings.access_log
            )
        return False

    def _consider(self, host: Host) -> None:
        """Ask the provider, and put the host to sleep if it runs idle. Runs in its own thread."""
        again_s = _LOOK_AGAIN_S
        try:
            again_s = self._put_to_sleep(host)
        except CalledOff as off:
            again_s = self._later(host)
            self._say_called_off(host, off)
        except UpstreamError as error:
            again_s = self._later(host)
            self._say_failed(host, error)
        except Exception:
            log.exception("%s: a sleep broke; this is a fault of ours", host.name)
            self._folder.call_off(host.name)
        finally:
            self._due[host.name] = time.monotonic() + min(again_s, _LOOK_AGAIN_S)
            self._considered.discard(host.name)

    def _put_to_sleep(self, host: Host) -> float:
        """Do so if it runs idle; return in how many seconds to look again."""
        status = self._status(host)
        self._note_asleep(host, status)
        self._note_started(host, status)
        if status.phase is not Phase.RUNNING:
            return host.idle_after.total_seconds()
        left = host.idle_after - idle_for(self._use(host, status), datetime.now(UTC))
        if left.total_seconds() > 0:
            return left.total_seconds()
        self._handshake.put_to_sleep(host, status)
        self._retry_s.pop(host.name, None)
        self._why.pop(host.name, None)
        return host.idle_after.total_seconds()

    def _note_started(self, host: Host, status: Status) -> None:
        """Remember when it was seen to run again, for a provider that does not tell."""
        if status.phase is not Phase.RUNNING:
            self._stopped.add(host.name)
        elif host.name in self._stopped:
            self._stopped.discard(host.name)
            self._started[host.name] = datetime.now(UTC)

    def _note_asleep(self, host: Host, status: Status) -> None:
        if status.phase is Phase.STOPPED and self._folder.shadow(host.name) is Shadow.ASLEEP:
            self._asleep_until[host.name] = time.monotonic() + _ASLEEP_LOOK_AGAIN_S

    def _status(self, host: Host) -> Status:
        try:
            return self._connect(host).status()
        except UpstreamError as error:
            raise CalledOff(Why.NOT_KNOWN, str(error)) from error

    def _later(self, host: Host) -> float:
        pause_s = self._retry_s.get(host.name, _FIRST_RETRY_S)
        self._retry_s[host.name] = min(pause_s * 2, _LAST_RETRY_S, host.idle_after.total_seconds())
        return pause_s

    def _say_called_off(self, host: Host, off: CalledOff) -> None:
        """Log and record it when the reason is new; a WebSocket may stay open for days."""
        if self._why.get(host.name) is off.why:
            return
        self._why[host.name] = off.why
        log.info("%s: not put to sleep: %s", host.name, off)
        self._record("sleep_called_off", host.name, reason=off.why, detail=str(off))

    def _say_failed(self, host: Host, error: UpstreamError) -> None:
        log.error("%s: could not be stopped, will be tried again: %s", host.name, error)
        self._record("stop_failed", host.name, reason=error.reason, detail=str(error))

    def _use(self, host: Host, status: Status | None) -> Use:
        return Use(
            last_used=self._recorder.last_used(host.name),
            last_woken=self._recorder.last_woken(host.name),
            started_at=(status and status.started_at) or self._started.get(host.name),
            watched_since=self._watched_since,
        )

    def _record(self, kind: str, name: str, **fields: object) -> None:
        self._recorder.record({"at": datetime.now(UTC), "host": name, "kind": kind, **fields})

    def _reload(self) -> None:
        if self._file.reload():
            self._recorder.adopt(self._file.registry)
            self._due.clear()

    def _end_stale_drains(self) -> None:
        """Undo what a sidecar that was killed has left half done."""
        for name in self._file.registry.hosts:
            if self._folder.shadow(name) is Shadow.DRAINING and self._folder.call_off(name):
                log.info("%s: an unfinished sleep is called off", name)

    def _beat(self) -> None:
        """Show the health check that the loop turns."""
        (self._settings.data / "sidecar.alive").touch()

    def _demand_network(self) -> None:
        if connections.network_is_gone(self._had_network):
            raise WaitroomError(
                "the network namespace has lost its interfaces, Traefik was restarted;"
                " ending, to be started again in its new one"
            )
