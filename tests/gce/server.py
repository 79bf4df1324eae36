"""A Compute Engine that tests can talk to, over HTTP, as the public v1 REST reference says.

instances get, list, aggregatedList, start, stop, suspend, resume, testIamPermissions; zoneOperations
get and wait; the documented error bodies; faults on demand. It knows nothing of the waiting room.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.gce.machines import Machine, Machines, Operation, Refused

PROJECT = "my-project"
ZONE = "asia-southeast2-a"
VERBS = ("start", "stop", "suspend", "resume")
_BASE = f"/compute/v1/projects/{PROJECT}"
_OF_ZONE = re.compile(rf"{_BASE}/zones/([^/]+)/(instances|operations)(?:/([^/]+))?(?:/([^/]+))?")
_NAME_IN_FILTER = re.compile(r"""name\s*(?:=|eq)\s*["']?([-a-z0-9]+)["']?""")
_WAIT_S = 120
_PAGE = 500


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` requests of one kind (get, list, start, …, operation)."""

    what: str
    code: int = 0  # answered instead, with this reason
    reason: str = "backendError"
    body: bytes = b""  # and not the API's own, as a proxy answers
    wait_s: float = 0.0
    cut: bool = False  # the connection is closed without an answer, AFTER the order was taken
    times: int = 1


@dataclass(frozen=True, slots=True)
class Call:
    what: str
    name: str
    query: dict[str, str]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, handler: type[BaseHTTPRequestHandler], listen: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        super().__init__(listen, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet about clients that went away, and tell of everything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Gce:
    """The server; a context manager. Everything a test turns is an attribute."""

    def __init__(self, *, step_s: float = 0.0, listen: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.machines = Machines(step_s=step_s)
        self.zones = {ZONE}
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.denied: set[str] = set()  # permissions such as compute.instances.start
        self.enabled = True
        self.token: str | None = None  # demanded as the bearer, if set
        self._lock = threading.Lock()
        self._server = _Server(_handler(self), listen)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def said(self, *whats: str) -> list[str]:
        """Return what was asked and ordered, in its order; all of it, or these alone."""
        return [call.what for call in self.calls if not whats or call.what in whats]

    def orders(self) -> list[str]:
        return self.said(*VERBS)

    def answer(
        self, method: str, url: str, bearer: str | None, body: bytes
    ) -> tuple[Any, Fault | None]:
        """Answer a request. Raises: Refused."""
        parts = urlsplit(url)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        what, zone, name = _what(method, parts.path)
        with self._lock:
            self.calls.append(Call(what, name, query))
            fault = next((f for f in self.faults if f.what in (what, "any") and f.times > 0), None)
            if fault:
                fault.times -= 1
        if fault:
            time.sleep(fault.wait_s)
            if fault.code:
                text = f"told to answer {fault.code}"
                raise Refused(fault.code, fault.reason, text, body=fault.body)
        self._admit(what, zone, name, bearer)
        return self._do(what, zone, name, query, body), fault

    def _admit(self, what: str, zone: str, name: str, bearer: str | None) -> None:
        if self.token is not None and bearer != f"Bearer {self.token}":
            raise Refused(401, "authError", "Request had invalid authentication credentials.")
        if not self.enabled:
            text = (
                f"Compute Engine API has not been used in project {PROJECT} before or it is disabled."
                " Enable it by visiting https://console.developers.google.com/apis/api/"
                f"compute.googleapis.com/overview?project={PROJECT} then retry."
            )
            raise Refused(403, "accessNotConfigured", text, "usageLimits")
        kind = "zoneOperations" if what in ("operation", "wait") else "instances"
        permission = f"compute.{kind}.{'get' if kind == 'zoneOperations' else what}"
        if permission in self.denied:
            resource = f"projects/{PROJECT}/zones/{zone}/instances/{name}"
            raise Refused(403, "forbidden", f"Required '{permission}' permission for '{resource}'")
        if zone and zone not in self.zones:
            text = f"Invalid value for field 'zone': '{zone}'. Unknown zone."
            raise Refused(400, "invalid", text)

    def _do(self, what: str, zone: str, name: str, query: dict[str, str], body: bytes) -> Any:
        if what == "list":
            return self._list(zone, query)
        if what == "aggregatedList":
            found = {
                f"zones/{z}": {"instances": [_machine(m) for m in self.machines.of_zone(z)]}
                for z in self.zones
            }
            return {"kind": "compute#instanceAggregatedList", "items": found}
        if what in ("operation", "wait"):
            return self._operation(zone, name, wait=what == "wait")
        machine = self.machines.find(zone, name)
        if machine is None:
            raise _not_found(f"zones/{zone}/instances/{name}")
        if what == "testIamPermissions":
            asked = json.loads(body)["permissions"]
            return {"permissions": [each for each in asked if each not in self.denied]}
        if what == "get":
            return _machine(machine)
        request_id = query.get("requestId")
        if request_id is not None and not re.fullmatch(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id
        ):
            raise Refused(400, "invalid", f"Invalid value for field 'requestId': '{request_id}'.")
        return _operation(self.machines.order(what, machine, request_id))

    def _list(self, zone: str, query: dict[str, str]) -> Any:
        found = self.machines.of_zone(zone)
        if "filter" in query:
            names = set(_NAME_IN_FILTER.findall(query["filter"]))
            found = [machine for machine in found if machine.name in names]
        first = int(query.get("pageToken", 0))
        last = first + int(query.get("maxResults", _PAGE))
        answer = {"kind": "compute#instanceList", "items": [_machine(m) for m in found[first:last]]}
        return answer | ({"nextPageToken": str(last)} if last < len(found) else {})

    def _operation(self, zone: str, name: str, *, wait: bool) -> Any:
        operation = self.machines.operation(name)
        if operation is None or operation.machine.zone != zone:
            raise _not_found(f"zones/{zone}/operations/{name}")
        if wait:
            operation.done.wait(_WAIT_S)
        return _operation(operation)


def _what(method: str, path: str) -> tuple[str, str, str]:
    if (method, path) == ("GET", f"{_BASE}/aggregated/instances"):
        return "aggregatedList", "", ""
    match = _OF_ZONE.fullmatch(path)
    if not match:
        raise _not_found(path.removeprefix("/compute/v1/"))
    zone, kind, name, verb = match.groups()
    if kind == "operations":
        what = {("GET", None): "operation", ("POST", "wait"): "wait"}.get((method, verb))
    elif name is None:
        what = "list" if method == "GET" else None
    elif verb is None:
        what = "get" if method == "GET" else None
    else:
        what = verb if method == "POST" and verb in (*VERBS, "testIamPermissions") else None
    if what is None:
        raise _not_found(path)
    return what, zone, name or ""


def _not_found(resource: str) -> Refused:
    return Refused(404, "notFound", f"The resource 'projects/{PROJECT}/{resource}' was not found")


def _machine(machine: Machine) -> dict[str, Any]:
    zone = f"https://www.googleapis.com{_BASE}/zones/{machine.zone}"
    interface: dict[str, Any] = {"name": "nic0", "networkIP": machine.address}
    if machine.external:
        interface["accessConfigs"] = [
            {"kind": "compute#accessConfig", "type": "ONE_TO_ONE_NAT", "name": "External NAT"}
        ]
        if machine.status == "RUNNING":  # an ephemeral one is lost while the machine sleeps
            interface["accessConfigs"][0]["natIP"] = machine.external
    found = {
        "kind": "compute#instance",
        "id": machine.number,
        "creationTimestamp": "2026-01-01T00:00:00.000-08:00",
        "name": machine.name,
        "zone": zone,
        "selfLink": f"{zone}/instances/{machine.name}",
        "status": machine.status,
        "labels": machine.labels,
        "labelFingerprint": "42WmSpB8rSM=",
        "networkInterfaces": [interface],
    }
    if machine.started_at:
        found["lastStartTimestamp"] = machine.started_at.astimezone().isoformat(
            timespec="milliseconds"
        )
    if machine.stopped_at:
        found["lastStopTimestamp"] = machine.stopped_at.astimezone().isoformat(
            timespec="milliseconds"
        )
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    zone = f"https://www.googleapis.com{_BASE}/zones/{operation.machine.zone}"
    found: dict[str, Any] = {
        "kind": "compute#operation",
        "id": operation.number,
        "name": operation.name,
        "zone": zone,
        "operationType": operation.kind,
        "targetLink": f"{zone}/instances/{operation.machine.name}",
        "targetId": operation.machine.number,
        "status": operation.status,
        "progress": 100 if operation.status == "DONE" else 0,
        "selfLink": f"{zone}/operations/{operation.name}",
    }
    if operation.status == "DONE" and operation.errors:
        errors = [{"code": code, "message": message} for code, message in operation.errors]
        found["error"] = {"errors": errors}
    return found


def _error(refused: Refused) -> dict[str, Any]:
    error: dict[str, Any] = {
        "code": refused.code,
        "message": str(refused),
        "errors": [{"message": str(refused), "domain": refused.domain, "reason": refused.reason}],
    }
    if refused.reason == "accessNotConfigured":
        error["status"] = "PERMISSION_DENIED"
        error["details"] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "SERVICE_DISABLED",
                "domain": "googleapis.com",
                "metadata": {"service": "compute.googleapis.com", "consumer": "projects/1"},
            }
        ]
    return {"error": error}


def _handler(gce: Gce) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            code, fault, foreign = 200, None, b""
            try:
                answer, fault = gce.answer(
                    self.command, self.path, self.headers.get("Authorization"), body
                )
            except Refused as refused:
                code, answer, foreign = refused.code, _error(refused), refused.body
            if fault and fault.cut:
                self.close_connection = True
                return
            send(
                self,
                code,
                foreign or json.dumps(answer).encode(),
                {"Content-Type": "application/json; charset=UTF-8"},
            )

        do_POST = do_GET  # noqa: N815 - as http.server wants it

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class Metadata:
    """The metadata server that gives a VM its credentials (GCE_METADATA_HOST)."""

    def __init__(self, token: str) -> None:
        self.asked: list[str] = []
        account = "/computeMetadata/v1/instance/service-accounts/default/"
        about = {
            "email": "waitroom@my-project.iam.gserviceaccount.com",
            "scopes": [],
            "aliases": ["default"],
        }
        answers: dict[str, Callable[[], str]] = {
            "/": lambda: "",
            account: lambda: json.dumps(about),
            f"{account}token": lambda: json.dumps(
                {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
            ),
            "/computeMetadata/v1/project/project-id": lambda: PROJECT,
            "/computeMetadata/v1/universe/universe-domain": lambda: "googleapis.com",
        }
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                asked.append(path)
                found = answers.get(path)
                kind = "application/json" if found and found().startswith("{") else "text/plain"
                headers = {"Metadata-Flavor": "Google", "Content-Type": kind}
                send(self, 200 if found else 404, found().encode() if found else b"", headers)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(Handler)
        address = f"127.0.0.1:{self._server.server_port}"
        self.environment = {"GCE_METADATA_HOST": address, "GCE_METADATA_IP": address}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def send(handler: BaseHTTPRequestHandler, code: int, body: bytes, headers: dict[str, str]) -> None:
    handler.send_response(code)
    for key, value in headers.items():
        handler.send_header(key, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
