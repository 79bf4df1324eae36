"""What each of the two sockets admits, and that it refuses everything else."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from tests.compose.stack import Stack, docker
from waitroom.labels.labels import EVENTS_FILTER, LIST_FILTER

pytestmark = pytest.mark.xdist_group("compose")  # one stack serves all of a file

# Runs in a container, as the socket's user and with its volume. Raw bytes, because a client library
# would tidy up the very paths that must be refused. haproxy's own answers are HTML, the engine's
# never: a 400 of the engine's would mean that the call got through.
ASK = """
import json, socket, sys
for request in json.load(sys.stdin):
    with socket.socket(socket.AF_UNIX) as engine:
        engine.settimeout(30)
        engine.connect("/run/docker/docker.sock")
        engine.sendall(request.encode())
        answer = engine.recv(4096)
        print("refused" if b"text/html" in answer else answer.split()[1].decode())
"""

LISTED = f"limit=-1&all=1&size=0&trunc_cmd=0&{urlencode({'filters': json.dumps(LIST_FILTER)})}"
BOTH = [
    "GET /_ping",
    "GET /version",
    "GET /v1.45/version",
    "GET /containers/APP/json",
    "GET /v1.45/containers/APP/json",
    f"GET /v1.45/containers/json?{LISTED}",
]
FILTERED = urlencode({"filters": json.dumps(EVENTS_FILTER)})
ONLY_WAITROOM = [
    "POST /containers/APP/start",
    "POST /v1.45/containers/APP/unpause",
    f"GET /events?since=1&{FILTERED}",
]
ONLY_SIDECAR = [
    "POST /v1.45/containers/APP/pause",
    "POST /containers/APP/stop?t=0",
    "POST /v1.45/containers/APP/stop",
]
NOBODY = [
    # calls that reach further than one container
    "GET /info",
    "GET /events",
    "GET /images/json",
    "GET /containers/json",
    "GET /containers/json?all=1",
    f"GET /containers/json?{LISTED}&filters=%7B%7D",
    f"GET /containers/json?{LISTED.replace('waitroom', 'traefik')}",
    "GET /events?since=1",
    f"GET /events?since=1&{FILTERED}&filters=%7B%7D",
    f"POST /events?since=1&{FILTERED}",
    "GET /volumes",
    "POST /build",
    "POST /containers/create",
    "POST /containers/prune",
    "POST /images/create?fromImage=busybox",
    "POST /volumes/create",
    "GET /",
    "GET *",
    "OPTIONS *",
    # calls that do more to a container than let it sleep or wake
    "POST /containers/APP/exec",
    "POST /containers/APP/kill",
    "POST /containers/APP/restart",
    "POST /containers/APP/rename?name=other",
    "POST /containers/APP/update",
    "POST /containers/APP/attach?stream=1",
    "POST /exec/0123456789ab/start",
    "DELETE /containers/APP",
    "DELETE /containers/APP?force=1",
    "GET /containers/APP/logs?stdout=1",
    "GET /containers/APP/archive?path=/",
    "HEAD /containers/APP/archive?path=/",
    "PUT /containers/APP/archive?path=/",
    "GET /containers/APP/export",
    "GET /containers/APP/attach/ws",
    "GET /containers/APP/top",
    "GET /containers/APP/stats?stream=0",
    # the right path, the wrong method
    "GET /containers/APP/start",
    "GET /containers/APP/stop",
    "POST /containers/APP/json",
    "PUT /containers/APP/stop",
    "DELETE /containers/APP/json",
    "POST /version",
    "get /version",
    "TRACE /containers/APP/json",
    "CONNECT /containers/APP/json",
    # paths that another reader could take for something else
    "GET /containers/APP/json/",
    "GET //containers/APP/json",
    "GET /containers//APP/json",
    "GET /containers/../info",
    "GET /containers/../images/json",
    "GET /containers/APP/../../info/json",
    "GET /containers/APP%2f..%2f..%2finfo/json",
    "GET /containers/%2e%2e/json",
    "GET /containers/..%2fimages%2fjson%3f/json",
    "GET /containers/APP/logs%3fx=/json",
    "GET /containers/APP/logs;/json",
    "GET /containers/APP/logs%00/json",
    "GET /containers/.APP/json",
    "GET /containers/APP\\/json",
    "GET /%63ontainers/APP/json",
    "GET /Containers/APP/json",
    "GET /containers/APP/json%0aGET",
    "GET http://engine/containers/json",
    "POST http://engine/containers/APP/kill",
    "GET /v1.45/v1.45/version",
    "GET /v1.45//version",
    "GET /v2.0/version",
    "GET /v1.45/../info",
    # queries that change what a call does, or hide another one
    "GET /containers/APP/json?size=1",
    "GET /version?x=/containers/APP/json",
    "POST /containers/APP/start?detachKeys=a",
    "POST /containers/APP/stop?signal=SIGKILL",
    "POST /containers/APP/stop?t=-1",
    "POST /containers/APP/stop?t=5&signal=SIGKILL",
    "POST /containers/APP/stop?t=99999",
    "POST /containers/APP/stop?",
    "POST /containers/APP/kill?/containers/APP/stop",
    "POST /containers/APP/kill#/containers/APP/stop",
    # up to this version, the body of a start changes what the container may do
    "POST /v1.23/containers/APP/start",
    "POST /v1.23/containers/APP/stop",
    "GET /v1.9/version",
]


def send(stack: Stack, service: str, requests: list[str]) -> list[str]:
    """Send each request through the socket of one service; return its status, or `refused`."""
    volume = f"{stack.project}_docker-{service}:/run/docker:ro"
    run = ["run", "--rm", "-i", "--network=none", f"--volume={volume}", "waitroom"]
    return docker(*run, "python", "-c", ASK, stdin=json.dumps(requests)).split()


def ask(
    stack: Stack, service: str, calls: list[str], headers: str = "", body: str = ""
) -> dict[str, str]:
    """Make each call with these headers and this body; return what `send` returns, by call."""
    requests = [
        f"{call.replace('APP', stack.app)} HTTP/1.1\r\nHost: docker\r\n{headers}\r\n{body}"
        for call in calls
    ]
    return dict(zip(calls, send(stack, service, requests), strict=True))


@pytest.fixture(scope="module", autouse=True)
def proxy(stack: Stack) -> Stack:
    stack.up("socket-proxy", "demo-app")
    return stack


def refused(answers: dict[str, str]) -> list[str]:
    """Return the calls that did not get through to the engine."""
    return [call for call, status in answers.items() if status == "refused"]


def test_waiting_room_may_look_and_start(stack: Stack) -> None:
    assert refused(ask(stack, "waitroom", [*BOTH, *ONLY_WAITROOM])) == []


def test_sidecar_may_look_and_stop(stack: Stack) -> None:
    assert refused(ask(stack, "sidecar", [*BOTH, *ONLY_SIDECAR])) == []


def test_start_and_stop_reach_the_engine(stack: Stack) -> None:
    assert set(ask(stack, "waitroom", ["POST /containers/APP/start"]).values()) <= {"204", "304"}
    assert stack.status() == "running"
    assert set(ask(stack, "sidecar", ["POST /containers/APP/stop?t=5"]).values()) == {"204"}
    assert stack.status() == "exited"


@pytest.mark.parametrize(
    ("service", "others"), [("waitroom", ONLY_SIDECAR), ("sidecar", ONLY_WAITROOM)]
)
def test_each_is_refused_everything_else(stack: Stack, service: str, others: list[str]) -> None:
    calls = [*others, *NOBODY]

    assert refused(ask(stack, service, calls)) == calls
    assert docker("inspect", "--format", "{{.Name}}", stack.app).strip() == f"/{stack.app}"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Length: 20\r\n", '{"Privileged": true}'),
        ("Content-Length: 2147483648\r\n", '{"Privileged": true}'),
        ("Content-Length: 18446744073709551615\r\n", '{"Privileged": true}'),
        ("Content-Length: 05\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("Upgrade: tcp\r\nConnection: Upgrade\r\n", ""),
        ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ],
)
def test_refuses_bodies_and_upgrades(stack: Stack, headers: str, body: str) -> None:
    calls = ["POST /containers/APP/start", "GET /version"]

    assert refused(ask(stack, "waitroom", calls, headers, body)) == calls


def test_nobody_speaks_http2(stack: Stack) -> None:
    preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    assert send(stack, "waitroom", [preface]) == ["refused"]


def test_nobody_changes_to_http2(stack: Stack) -> None:
    # haproxy drops this upgrade itself, and asks the engine without it: 200, not 101
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n"

    assert ask(stack, "waitroom", ["GET /version"], upgrade) == {"GET /version": "200"}
