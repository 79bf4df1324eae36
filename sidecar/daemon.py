"""The sidecar's one loop: look, read, commit, and decide who is to sleep.

Only this thread reads the logs and writes activity.json. Whatever may block runs in a thread of
its own (see `decide`), and speaks back through `record`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import schedule

from sidecar import metrics
from sidecar.looks import Looks
from sidecar.record.events import Event
from sidecar.record.recorder import Recorder
from sidecar.sleeping import connections
from sidecar.sleeping.decide import Decider
from sidecar.sleeping.proofs import Proofs
from sidecar.sleeping.shadowing import Shadowing
from sidecar.sleeping.sight import Sight
from sidecar.sleeping.sleep import Handshake
from sidecar.sleeping.uses import Uses
from traefik.folder import RouteFolder, Shadow
from waitroom import scrape
from waitroom.errors import WaitroomError
from waitroom.heartbeat import Heartbeat
from waitroom.kinds import Kind
from waitroom.locks import HostLocks
from waitroom.registry.config import RegistryFile
from waitroom.registry.hosts import Host
from waitroom.registry.settings import Settings
from waitroom.registry.values import Route
from waitroom.upstreams.connect import Connector
from waitroom.waking.stops import Stops

log = logging.getLogger(__name__)

_DECIDE_EVERY_S = 1
_HEARTBEAT_EVERY_S = 5
_COMMIT_EVERY_S = 1  # of what pours in; what comes line by line is committed at once
# A visit leaves a connection behind for a moment, which shows where the host's own route leads.
_JUST_USED = timedelta(seconds=5)


class Daemon:
    """Runs until `end` is called. Raises: WaitroomError when it can't go on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ended = threading.Event()
        self._file = RegistryFile(settings.hosts, settings.containers)
        proofs = Proofs()
        self._measured = scrape.new_registry()
        self._sleeps = metrics.Sleeps(self._measured, self._file.current)
        self._recorder = Recorder(
            data=settings.data,
            access_log=settings.access_log,
            registry=self._file.registry,
            on_canary=proofs.add,
            on_event=self._learn,
            release_log=settings.release_log,
        )
        self._folder = RouteFolder(settings.routes)
        self._uses = Uses(self._recorder)
        self._uses.adopt(self._file.registry.hosts)
        self._sight = Sight(settings.traefik_urls)
        connect = Connector(lists=settings.docker_labels)
        self._measured.register(
            metrics.Recording(self._file.current, self._recorder, connect.calls)
        )
        locks = HostLocks(settings.data)
        handshake = Handshake(
            connect=connect,
            folder=self._folder,
            locks=locks,
            stops=Stops(settings.data, self._folder, locks),
            proofs=proofs,
            shadowing=Shadowing(self._folder, settings.traefik_urls, self._ended),
            sight=self._sight,
            use=self._uses.of,
            read_to=self._recorder.reading.read_to,
            record=self._record,
            waitroom_url=settings.url,
        )
        self._decider = Decider(self._uses, handshake, connect, self._recorder.note_stopped)
        self._heartbeat = Heartbeat(settings.data)
        self._had_network = connections.has_network()
        self._waits_for_log = False

    def end(self) -> None:
        """Make `run` return; safe to call from a signal handler."""
        self._ended.set()

    def run(self) -> None:
        """Loop until the end, then commit; after an error nothing is, as after a kill."""
        jobs = self._jobs()
        looks = Looks(
            [self._settings.access_log, self._settings.data / "journal.jsonl"], self._ended
        )
        self._recorder.watch(self._heartbeat.last())
        if self._settings.sidecar_listen:
            metrics.serve(self._measured, self._settings.sidecar_listen)
        self._guarded(lambda: self._heartbeat.begin(self._uses.watched_since))
        self._guarded(self._end_stale_drains)
        threading.Thread(
            target=self._sight.watch, args=(self._just_used, self._ended), name="sight", daemon=True
        ).start()
        try:
            while not self._ended.is_set():
                while self._read() and not self._ended.is_set():
                    jobs.run_pending()
                if not looks.is_busy():
                    self._recorder.commit()
                jobs.run_pending()
                if (jobs.idle_seconds or 0) > _DECIDE_EVERY_S:
                    jobs = self._jobs()  # they go by the wall clock, and that was set back
                self._demand_network()
                looks.wait()
            self._recorder.commit()
        finally:
            self._ended.set()
            self._decider.call_off()
            self._recorder.close()

    def _jobs(self) -> schedule.Scheduler:
        jobs = schedule.Scheduler()
        jobs.every(_DECIDE_EVERY_S).seconds.do(self._guarded, self._decide)
        jobs.every(_HEARTBEAT_EVERY_S).seconds.do(self._guarded, self._beat)
        # Not guarded: what a commit that broke half way has recorded, only a new process knows.
        jobs.every(_COMMIT_EVERY_S).seconds.do(self._recorder.commit)
        return jobs

    def _guarded(self, job: Callable[[], object]) -> None:
        """Run a job; its fault must not end the loop, nor keep the jobs after it from running."""
        try:
            job()
        except (WaitroomError, OSError) as error:
            log.error("%s", error)
        except Exception:
            log.exception("a job broke; this is a fault of ours")

    def _decide(self) -> None:
        """Decide if all that happened so far is known; say once when it begins not to be."""
        caught_up = self._recorder.caught_up
        if caught_up:
            self._decider.decide(self._file.registry.hosts.values())
        elif not self._waits_for_log:
            log.warning(
                "nothing is put to sleep until %s is read to its end and recorded, and the journal",
                self._settings.access_log,
            )
        self._waits_for_log = not caught_up

    def _just_used(self) -> Iterator[Host]:
        """Look for hosts that have a route of their own, and somebody who has just used it."""
        since = datetime.now(UTC) - _JUST_USED
        for host in self._file.registry.hosts.values():
            if host.route is Route.OWN and (self._uses.of(host).last_used or since) > since:
                yield host

    def _learn(self, event: Event) -> None:
        self._sleeps.add(event)
        self._decider.learn(event)

    def _record(self, kind: Kind, name: str, **fields: object) -> None:
        self._recorder.record({"at": datetime.now(UTC), "host": name, "kind": kind, **fields})

    def _read(self) -> bool:
        """Read a slice. A host is known before it is routed, so its first request finds it here."""
        self._guarded(self._reload)
        return self._recorder.read()

    def _reload(self) -> None:
        if self._file.reload():
            self._recorder.adopt(self._file.registry)
            self._uses.adopt(self._file.registry.hosts)
            self._decider.look_at_all()

    def _end_stale_drains(self) -> None:
        """Undo what a sidecar that was killed has left half done."""
        for name in self._file.registry.hosts:
            if self._folder.shadow(name) is Shadow.DRAINING and self._folder.call_off(name):
                log.info("%s: an unfinished sleep is called off", name)

    def _beat(self) -> None:
        """Show the health check that the loop turns, and what it does is of use."""
        if self._recorder.is_well():
            self._heartbeat.beat()

    def _demand_network(self) -> None:
        if self._had_network and not connections.has_network():
            raise WaitroomError(
                "the network namespace has lost its interfaces, Traefik was restarted;"
                " ending, to be started again in its new one"
            )
