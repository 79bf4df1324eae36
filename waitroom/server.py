"""The waiting room as a process: its parts put together, behind gunicorn.

One worker process with many threads: what it knows (wakes under way, used tokens) is in memory,
and a visitor who waits holds no thread, he polls. Both listeners are its own, told apart by the
socket that a request came in on.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from gunicorn.app.base import BaseApplication

from traefik.folder import RouteFolder
from waitroom import canary, check, metrics, probe, scrape
from waitroom.admin import admin_app
from waitroom.announcing import announcing
from waitroom.bodies import read_wanted
from waitroom.budgets import Proof, Wish
from waitroom.config import RegistryFile, Settings
from waitroom.door import Door
from waitroom.grants import Grants
from waitroom.guard import Guard
from waitroom.journal import Journal
from waitroom.locks import HostLocks
from waitroom.openings import Openings
from waitroom.operators import Operators
from waitroom.orders import Orders
from waitroom.outcomes import Outcomes
from waitroom.recorded import Recorded
from waitroom.room import Room
from waitroom.statuses import Statuses
from waitroom.stops import Stops
from waitroom.turns import Turns
from waitroom.upkeep import Upkeep
from waitroom.upstreams.connect import Connector
from waitroom.wake import Waker
from waitroom.web import BODY_BYTES, CHESS_PATH, WAKE_PATH, Public, public_app

# Who waits for something holds a thread: 24 slow wake requests, 8 visitors whose route turns, and
# for a moment those whose provider hangs. The rest is for all others; an idle thread costs nothing.
_THREADS = 64
_KEEPALIVE_S = 75  # of Traefik's connections; longer than the pause between two polls
_GRACE_S = 1  # a stop waits for nobody: wakes are taken up again at the next start


class Server(BaseApplication):
    """gunicorn, told everything here; it reads no file and no variable of its own."""

    def __init__(self, settings: Settings, secret: bytes) -> None:
        self._settings = settings
        self._secret = secret
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its settings."""
        for key, value in {
            "bind": [self._settings.listen, self._settings.admin_listen],
            "workers": 1,
            "worker_class": "gthread",
            "threads": _THREADS,
            "worker_connections": 4096,
            "keepalive": _KEEPALIVE_S,
            "graceful_timeout": _GRACE_S,
            "loglevel": "warning",
            "control_socket_disable": True,  # nobody uses it, and the root may be read-only
        }.items():
            self.cfg.set(key, value)

    def load(self) -> Any:  # noqa: ANN401 - Flask's and gunicorn's types of an application differ
        """Make the applications; called in the worker, where their threads belong."""
        return _by_listener(self._settings, *_build(self._settings, self._secret))


def _build(settings: Settings, secret: bytes) -> tuple[WSGIApplication, WSGIApplication]:
    """Put the parts together, start the background threads, and return both applications."""
    file = RegistryFile(settings.hosts, settings.containers)
    connect = Connector()
    folder = RouteFolder(settings.routes)
    measured = scrape.new_registry()
    journal = Journal(settings.data / "journal.jsonl", metrics.Wakes(measured, file.current).add)
    locks = HostLocks(settings.data)
    stops = Stops(folder, locks)
    outcomes = Outcomes()
    statuses = Statuses(connect)
    waker = Waker(
        connect=connect,
        probe=probe.answers,
        folder=folder,
        journal=journal,
        locks=locks,
        stops=stops,
        outcomes=outcomes,
        grants=Grants(journal, folder, lambda: file.current().budget),
        on_end=statuses.forget,
    )
    upkeep = Upkeep(
        connect=connect,
        statuses=statuses,
        waker=waker,
        folder=folder,
        journal=journal,
        locks=locks,
        stops=stops,
        url=settings.url,
    )
    room = Room(
        statuses=statuses,
        waker=waker,
        folder=folder,
        stops=stops,
        outcomes=outcomes,
        upkeep=upkeep,
    )

    upkeep.adopt(file.registry)
    waker.resume(file.registry.hosts.get)
    ended = threading.Event()
    openings = Openings(
        lambda host: room.wake(host, Wish(visitor="", proof=Proof.SCHEDULE)),
        outcomes.history.expected_s,
    )
    targets = [
        lambda: file.watch(upkeep.adopt, ended),
        lambda: openings.watch(file.current, ended),
        lambda: upkeep.sweep(file.current, ended),
    ]
    if settings.containers:
        discoverer = announcing(settings.containers, file, upkeep)
        targets.append(lambda: discoverer.run(ended))
    for target in targets:
        threading.Thread(target=target, daemon=True).start()
    public = public_app(
        Public(
            registry=file.current,
            room=room,
            door=Door(secret, settings.trusted_proxies),
            turns=Turns(functools.partial(canary.comes_to_lead, settings.traefik_urls)),
        )
    )

    measured.register(metrics.Standing(file.current, room.glance, connect.calls))

    def readiness() -> list[str]:
        providers = statuses.faults(file.registry.hosts.values())
        return [
            *check.health(settings),
            *check.disk(settings),
            *check.entry_points(settings),
            *providers,
        ]

    operators = Operators(settings.data / "operators.json")
    operators.begin()
    recorded = Recorded(settings.data)
    admin = admin_app(
        health=lambda: list(check.health(settings)),
        readiness=readiness,
        metrics=measured,
        registry=file.current,
        guard=Guard(operators, secret),
        room=room,
        orders=Orders(room=room, statuses=statuses, journal=journal, recorded=recorded),
        recorded=recorded,
    )
    return read_wanted(public, (WAKE_PATH, CHESS_PATH), BODY_BYTES), admin


def _by_listener(
    settings: Settings, public: WSGIApplication, admin: WSGIApplication
) -> WSGIApplication:
    """Send what came in on the admin listener's port to the admin application."""
    admin_port = int(settings.admin_listen.rpartition(":")[2])

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        port = environ["gunicorn.socket"].getsockname()[1]
        return (admin if port == admin_port else public)(environ, start_response)

    return application
