"""An operator's actions, ordered by command and over HTTP, beside the real Traefik."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import requests

from tests.integration.local import HOST, ROOT, Local
from tests.support import eventually, free_port
from waitroom.admin.operators import Operators, Role


@pytest.fixture
def stack(local: Local) -> Local:
    """A stack whose host is asleep, and sleeps only by order."""
    local.hosts[HOST]["idle_after"] = "1h"
    local.write_hosts()
    local.start()
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep", what="found stopped")
    eventually((local.data / "sidecar.alive").exists, what="the sidecar watches")
    return local


def order(
    local: Local, *arguments: str, module: str = "waitroom"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, env=local.environment, capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip


def in_one_line(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_a_host_is_woken_and_put_to_sleep_by_command(stack: Local) -> None:
    woken = order(stack, "wake", HOST, "--as", "ann")
    assert (woken.returncode, woken.stdout) == (0, f"{HOST} is awake.\n"), woken.stderr
    assert stack.app_runs()
    eventually(lambda: [e["by"] for e in stack.events("wake_requested")] == ["ann"])
    assert stack.events("wake_requested")[0]["visitor"] == "operator"
    slept = order(stack, "sleep", HOST, "--as", "ann")
    assert (slept.returncode, slept.stdout) == (0, f"{HOST} sleeps.\n"), slept.stderr
    assert stack.is_asleep()
    [wish] = stack.events("sleep_requested")
    assert (wish["by"], wish["force"]) == ("ann", False)
    again = order(stack, "sleep", HOST)
    assert (again.returncode, again.stdout) == (0, f"{HOST} sleeps already.\n"), again.stderr
    assert order(stack, "wake", HOST).returncode == 0
    assert stack.is_awake()  # at the first request


def test_an_open_websocket_calls_a_sleep_off_unless_it_is_forced(stack: Local) -> None:
    stack.wake()
    with stack.websocket() as visitor:
        assert "connections to" in in_one_line(order(stack, "sleep", HOST))
        assert stack.app_runs()
        assert stack.events("sleep_called_off")[-1]["reason"] == "connections"
        assert "--reason" in in_one_line(order(stack, "sleep", HOST, "--force"), 2)
        forced = order(stack, "sleep", HOST, "--force", "--reason", "it costs", "--as", "ann")
        assert (forced.returncode, forced.stdout) == (0, f"{HOST} sleeps.\n"), forced.stderr
        assert visitor.recv(4096) in (b"", b"\x88\x00") or visitor.recv(4096) == b""
    assert stack.is_asleep()
    wish = stack.events("sleep_requested")[-1]
    assert (wish["by"], wish["force"], wish["reason"]) == ("ann", True, "it costs")
    assert "connections" not in stack.events("slept")[-1]["evidence"]
    stack.wake()  # and it does not fall asleep again by that wish
    assert len(stack.events("slept")) == 1


def test_what_is_kept_awake_outlives_idle_after_until_it_is_released(stack: Local) -> None:
    stack.wake()
    kept = order(stack, "keep", HOST, "--for", "2h", "--as", "ann")
    stack.hosts[HOST]["idle_after"] = "2s"  # now: the order itself may take longer
    stack.write_hosts()
    assert kept.returncode == 0, kept.stderr
    assert "is kept awake until" in kept.stdout
    assert "kept awake until" in in_one_line(order(stack, "sleep", HOST))
    assert stack.events("sleep_called_off")[-1]["reason"] == "kept"
    assert stack.app_runs()
    assert order(stack, "release", HOST, "--as", "ann").returncode == 0
    eventually(stack.is_asleep, what="asleep, long before the next look of once a minute")
    for kind in ("kept", "released"):
        assert [event["by"] for event in stack.events(kind)] == ["ann"]


def test_errors_are_one_line_each(stack: Local) -> None:
    assert "there is no host 'other.test'" in in_one_line(order(stack, "wake", "other.test"))
    assert "--until 18:00 or --for 2h" in in_one_line(order(stack, "keep", HOST), 2)
    assert "such as 90s" in in_one_line(order(stack, "keep", HOST, "--for", "soon"), 2)
    assert "28 days" in in_one_line(order(stack, "keep", HOST, "--for", "100d"))
    stack.end("sidecar")
    stack.wake()
    os.utime(stack.data / "sidecar.alive", (0, 0))
    assert "no sign of life" in in_one_line(order(stack, "sleep", HOST))
    secret = (stack.data / "secret").read_bytes()
    (stack.data / "secret").write_bytes(b"another secret")
    assert "is not the secret of the waiting room" in in_one_line(order(stack, "wake", HOST))
    (stack.data / "secret").write_bytes(secret)
    stack.end("waitroom")
    assert "no waiting room answers" in in_one_line(order(stack, "wake", HOST))
    (stack.data / "secret").unlink()
    assert "secret" in in_one_line(order(stack, "wake", HOST))


def test_who_may_do_what_over_http(stack: Local) -> None:
    url = f"http://127.0.0.1:{stack.admin_port}"
    json = {"Accept": "application/json"}
    wake = f"{url}/hosts/{HOST}/wake"
    assert requests.get(f"{url}/healthz", timeout=5).ok
    assert requests.get(f"{url}/preview", timeout=5).url == f"{url}/login"
    assert requests.post(wake, headers=json, timeout=5).status_code == 401
    wrong = {**json, "Authorization": "Bearer ImFubiI.x.y"}
    assert requests.post(wake, headers=wrong, timeout=5).status_code == 401
    found = re.search(r"shown only now: (\S+)", stack.log("waitroom"))
    assert found
    assert found[1] not in (stack.data / "operators.json").read_text()
    reader = Operators(stack.data / "operators.json").add("eve", Role.READER)
    for token, status in ((found[1], 202), (reader, 403)):
        session = requests.Session()
        csrf = log_in(session, url, token)
        assert session.post(wake, headers=json, timeout=5).status_code == 403
        assert (
            session.post(wake, data={"csrf": csrf}, headers=json, timeout=5).status_code == status
        )
        assert session.get(f"{url}/preview", timeout=5).url == f"{url}/preview"
    Operators(stack.data / "operators.json").remove("eve")
    assert session.get(url, timeout=5).url == f"{url}/login"


def test_neither_pages_nor_files_nor_metrics_tell_of_a_visitor(stack: Local) -> None:
    stack.environment["WAITROOM_SIDECAR_LISTEN"] = f"127.0.0.1:{free_port()}"
    stack.end("sidecar")
    stack.spawn("sidecar")
    agent, address = "Mozilla/5.0 (X11; Linux x86_64) a-visitors-own/7", "203.0.113.7"
    headers = {"User-Agent": agent, "X-Forwarded-For": address}
    page = stack.get("/a-secret-path?q=1", headers=headers)
    assert stack.post_wake(stack.token(page)).status_code == 202
    eventually(stack.is_awake)
    stack.get("/a-secret-path?q=2", headers=headers)
    assert order(stack, "sleep", HOST, "--force", "--reason", "it is night").returncode == 0

    session, url = requests.Session(), f"http://127.0.0.1:{stack.admin_port}"
    token = Operators(stack.data / "operators.json").add("ann", Role.OPERATOR)
    log_in(session, url, token)
    pages = ("/", "/hosts", "/events", f"/hosts/{HOST}", "/metrics", "/readyz", "/healthz")
    shown = {path: session.get(url + path, timeout=10).text for path in pages}
    assert "wake_requested" in shown["/events"]
    sidecar = stack.environment["WAITROOM_SIDECAR_LISTEN"]
    shown["the sidecar's"] = requests.get(f"http://{sidecar}/metrics", timeout=10).text
    audited = order(stack, "audit", module="sidecar").stdout
    shown["audit"] = audited + order(stack, "audit", "--events", module="sidecar").stdout
    files = [
        path for path in stack.data.rglob("*") if path.is_file() and "access.log" not in path.name
    ]
    shown |= {str(path): path.read_text(errors="replace") for path in files}
    assert {"activity.json", "journal.jsonl", "waitroom.log", "sidecar.log"} <= {
        f.name for f in files
    }
    for place, text in shown.items():
        for secret in ("a-visitors-own", address, "a-secret-path", token):
            assert secret not in text, place


def log_in(session: requests.Session, url: str, token: str) -> str:
    def csrf(text: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', text)
        assert found
        return found[1]

    form = {"csrf": csrf(session.get(f"{url}/login", timeout=5).text), "token": token}
    answer = session.post(f"{url}/login", data=form, timeout=5)
    cookies = answer.history[0].headers["Set-Cookie"]
    assert "HttpOnly" in cookies
    assert "SameSite=Strict" in cookies
    return csrf(answer.text)
