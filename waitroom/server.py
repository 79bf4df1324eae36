"""The waiting room as a process: its parts put together, behind gunicorn.

One worker process with many threads: what it knows (wakes under way, used tokens) is in memory,
and a visitor who waits holds no thread, he polls. `serving` has how both listeners are served.
"""

from __future__ import annotations

import functools
import threading
from typing import Any
from wsgiref.types import WSGIApplication

from gunicorn.app.base import BaseApplication
from prometheus_client import CollectorRegistry

from traefik.folder import RouteFolder
from waitroom import health, scrape
from waitroom.admin import metrics
from waitroom.admin.guard import Guard
from waitroom.admin.listener import admin_app
from waitroom.admin.operators import Operators
from waitroom.admin.orders import Orders
from waitroom.announcing import announcing
from waitroom.journal import Journal
from waitroom.listeners import listeners
from waitroom.parts import Parts, put_together
from waitroom.public.door import Door
from waitroom.public.turns import Turns
from waitroom.public.web import public_app
from waitroom.record.records import Latest
from waitroom.registry.config import RegistryFile
from waitroom.registry.settings import Settings
from waitroom.serving.worker import Worker
from waitroom.upstreams.connect import Connector
from waitroom.waking import canary, probe
from waitroom.waking.budgets import Claim, Proof
from waitroom.waking.openings import Openings

_KEEPALIVE_S = 75  # of Traefik's connections; longer than the pause between two polls
# A visitor's cookies may be large, and an app that takes them is not ours to judge.
_HEADER_BYTES = 32_768
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
            "worker_class": Worker,
            "keepalive": _KEEPALIVE_S,
            "graceful_timeout": _GRACE_S,
            "loglevel": "warning",
            # Nobody is believed what he says of his connection, nor may he name other paths.
            "forwarded_allow_ips": "",
            "limit_request_line": 0,  # a head has a bound of its own, see serving.loop
            "limit_request_field_size": _HEADER_BYTES,
            "control_socket_disable": True,  # nobody uses it, and the root may be read-only
        }.items():
            self.cfg.set(key, value)

    def load(self) -> Any:  # noqa: ANN401 - Flask's and gunicorn's types of an application differ
        """Make the applications; called in the worker, where their threads belong."""
        return listeners(*_build(self._settings, self._secret))


def _build(settings: Settings, secret: bytes) -> tuple[WSGIApplication, WSGIApplication]:
    """Put the parts together, start the background threads, and return both applications."""
    file = RegistryFile(settings.hosts, settings.containers)
    connect = Connector()
    measured = scrape.new_registry()
    parts = put_together(
        data=settings.data,
        folder=RouteFolder(settings.routes),
        journal=Journal(settings.data / "journal.jsonl", metrics.Wakes(measured, file.current).add),
        budget=lambda: file.current().budget,
        connect=connect,
        probe=probe.answers,
        url=settings.url,
    )
    measured.register(metrics.Gauges(file.current, parts.room, connect.calls))
    _begin(settings, file, parts)
    return _public(settings, secret, file, parts), _admin(settings, secret, file, parts, measured)


def _begin(settings: Settings, file: RegistryFile, parts: Parts) -> None:
    """Go by hosts.yaml, take up the wakes of an earlier process, and watch from now on."""
    parts.upkeep.adopt(file.registry)
    parts.waker.resume(file.registry.hosts.get)
    ended = threading.Event()
    openings = Openings(
        lambda host: parts.room.wake(host, Claim(visitor="", proof=Proof.SCHEDULE)),
        parts.outcomes.history.expected_s,
        RouteFolder(settings.routes).asleep_since,
    )
    targets = [
        lambda: file.watch(parts.upkeep.adopt, ended),
        lambda: openings.watch(file.current, ended),
        lambda: parts.upkeep.sweep(file.current, ended),
    ]
    if settings.containers:
        discoverer = announcing(settings.containers, file, parts.upkeep)
        targets.append(lambda: discoverer.run(ended))
    for target in targets:
        threading.Thread(target=target, daemon=True).start()


def _public(settings: Settings, secret: bytes, file: RegistryFile, parts: Parts) -> WSGIApplication:
    """Make the listener that visitors come to."""
    return public_app(
        registry=file.current,
        room=parts.room,
        door=Door(secret, settings.trusted_proxies),
        turns=Turns(functools.partial(canary.comes_to_lead, settings.traefik_urls)),
    )


def _admin(
    settings: Settings,
    secret: bytes,
    file: RegistryFile,
    parts: Parts,
    measured: CollectorRegistry,
) -> WSGIApplication:
    """Make the listener that operators and Prometheus come to."""

    def readiness() -> list[str]:
        providers = parts.statuses.faults(file.registry.hosts.values())
        return [
            *health.files(settings),
            *health.disk(settings),
            *health.entry_points(settings),
            *providers,
        ]

    operators = Operators(settings.data / "operators.json")
    operators.begin()
    recorded = Latest(settings.data)
    return admin_app(
        health=lambda: list(health.files(settings)),
        readiness=readiness,
        metrics=measured,
        registry=file.current,
        guard=Guard(operators, secret),
        room=parts.room,
        orders=Orders(
            room=parts.room, statuses=parts.statuses, journal=parts.journal, recorded=recorded
        ),
        recorded=recorded,
        data=settings.data,
    )
