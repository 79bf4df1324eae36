"""Findings: what is wrong with the configuration and with everything it leads to.

Each finding is one line that names the thing, the fault and what to do. Nothing is changed but
for a proof file in the routes folder, which is removed again.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import requests

from traefik.folder import RouteFolder
from waitroom import health
from waitroom.direct import session
from waitroom.errors import Reason, UpstreamError
from waitroom.language.languages import languages
from waitroom.pages import page
from waitroom.pages.samples import samples
from waitroom.registry.hosts import Host, Registry
from waitroom.registry.named import DockerUpstream
from waitroom.registry.settings import Settings
from waitroom.upstreams.base import Upstream
from waitroom.waking import canary

_PATIENCE_S = 4.0
_PAUSE_S = 0.1
_LOG_TAIL_BYTES = 1 << 20


def findings(
    settings: Settings, registry: Registry, connect: Callable[[Host], Upstream]
) -> list[str]:
    """Look at everything; an empty list means that hosts will sleep and wake."""
    local = [
        *health.files(settings),
        *health.disk(settings),
        *templates(settings.hosts, registry),
        *labels(settings),
        *upstreams(registry, connect),
    ]
    return [*local, *_waiting_room(settings), *_traefik(settings, registry)]


def templates(file: Path, registry: Registry) -> Iterable[str]:
    """Show every page that an operator's own template makes, to nobody. `file`: that names them."""
    for host in registry.hosts.values():
        views = samples(host.name, datetime.now(UTC)).values()
        faults = (page.fault(view, tag, host.page) for view in views for tag in languages())
        first = next(filter(None, faults), None)
        if first:
            path = f"{file}: hosts.{host.name!r}.page.template"
            yield f"{path}: {first}; our own page is shown instead"


def labels(settings: Settings) -> Iterable[str]:
    """Ask Docker for the containers that announce themselves, if they may."""
    if settings.docker_labels:
        from waitroom.upstreams.docker_labels import Labelled  # noqa: PLC0415 - it takes 150 ms

        try:
            Labelled().all()
        except UpstreamError as error:
            yield f"WAITROOM_DOCKER_LABELS: containers can't be looked for: {error}"


def upstreams(registry: Registry, connect: Callable[[Host], Upstream]) -> Iterable[str]:
    """Ask each provider for each host, and for the permissions that a wake will need.

    A provider that is gone is said once, and Docker is asked no further then: where it hangs, each
    question takes 20 s.
    """
    said: set[str] = set()
    docker_is_gone = False
    for host in registry.hosts.values():
        in_docker = isinstance(host.upstream, DockerUpstream)
        if in_docker and docker_is_gone:
            continue
        try:
            upstream = connect(host)
            status = upstream.status()
            if status.trouble:
                yield f"hosts.{host.name!r}: {status.trouble}"
            if lacking := upstream.lacks():
                yield f"hosts.{host.name!r}: permission: a wake lacks {' and '.join(lacking)}"
        except UpstreamError as error:
            docker_is_gone |= in_docker and error.reason is Reason.UNREACHABLE
            finding = f"{error.reason}: {error}"
            if finding not in said:
                said.add(finding)
                yield f"hosts.{host.name!r}: {finding}"


def _waiting_room(settings: Settings) -> Iterable[str]:
    try:
        with session() as direct:
            url = settings.url + "/.waitroom/status"
            answer = direct.get(url, timeout=_PATIENCE_S, allow_redirects=False)
    except requests.RequestException:
        yield f"WAITROOM_URL: no waiting room answers at {settings.url}; start `python -m waitroom`"
        return
    if "X-Waitroom" not in answer.headers:
        yield f"WAITROOM_URL: what answers at {settings.url} is not the waiting room"


def _traefik(settings: Settings, registry: Registry) -> Iterable[str]:
    """Write a router that answers 418 and see whether Traefik follows, at each entry point."""
    name = f"check-{secrets.token_hex(4)}.invalid"

    def faults() -> dict[str, str | None]:
        return {url: canary.unread(url, name) for url in settings.traefik_urls}

    try:
        with RouteFolder(settings.routes).proof(name):
            _within_patience(lambda: not any(faults().values()))
            found = faults()
    except OSError:
        return  # said already: the folder can't be written
    yield from filter(None, found.values())
    proven = [url for url, fault in found.items() if fault is None]
    yield from _access_log(settings.access_log, proven, next(iter(registry.hosts), name))


def _access_log(path: Path, urls: Sequence[str], name: str) -> Iterable[str]:
    """Send a canary through each entry point and see whether its line comes."""
    if urls and path.parent.is_dir() and not path.exists():
        yield f"WAITROOM_ACCESS_LOG: there is no {path}; set accessLog.filePath in Traefik to it"
        return
    for url in urls:
        nonce = canary.send(url, name).nonce.encode()
        try:
            found = _within_patience(lambda nonce=nonce: nonce in _end_of(path))  # type: ignore[misc]
        except OSError as error:
            yield f"WAITROOM_ACCESS_LOG: {path} can't be read ({error.strerror})"
            return
        if not found:
            yield (
                f"WAITROOM_ACCESS_LOG: Traefik does not write to {path} what it serves at {url}, or"
                " keeps neither request_User-Agent nor RequestPath in it; without that no host can"
                " be put to sleep"
            )


def _end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_TAIL_BYTES))
        return file.read()


def _within_patience(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True
