import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from websockets.sync.client import connect

from tests.support import free_port
from waitroom.demo import app as demo_app

DEADLINE_S = 10.0


def wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the app never listened"
            time.sleep(0.005)
        else:
            return


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture
def other_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def app(port: int) -> Iterator[str]:
    """Run the app in the foreground, as a container does."""
    command = [sys.executable, "-m", "waitroom.demo.app", "serve", "--port", str(port)]
    with subprocess.Popen(command) as process:
        wait_until_listening(port)
        yield f"127.0.0.1:{port}"
        process.terminate()
        assert process.wait(2) == 0


@pytest.fixture
def pid_file(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "app.pid"
    yield file
    assert demo_app.stop(file)


def run(*arguments: str) -> int:
    return subprocess.call(
        [sys.executable, "-m", "waitroom.demo.app", *arguments], stdout=subprocess.DEVNULL
    )


def test_page_names_the_url_that_was_asked_for(app: str) -> None:
    answer = requests.get(f"http://{app}/orders/7?q=<b>&n=1", timeout=5)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"Hello from {app}" in answer.text
    assert "/orders/7?q=%3Cb%3E&amp;n=1" in answer.text


def test_head_is_the_page_without_its_body(app: str) -> None:
    with requests.Session() as session:  # the same connection again: nothing is left in it
        for _ in range(2):
            answer = session.head(f"http://{app}/", timeout=5)
            assert answer.status_code == 200
            assert int(answer.headers["Content-Length"]) > 0


def test_slow_answers_when_the_time_is_over(app: str) -> None:
    asked = time.monotonic()

    assert requests.get(f"http://{app}/slow?seconds=0.3", timeout=5).text == "slept 0.3 s\n"
    assert time.monotonic() - asked >= 0.3


@pytest.mark.parametrize(
    "path",
    ["/slow", "/slow?seconds=-1", "/slow?seconds=nan", "/slow?seconds=x", "/download?bytes=1e99"],
)
def test_refuses_numbers_out_of_range(app: str, path: str) -> None:
    assert requests.get(f"http://{app}{path}", timeout=5).status_code == 400


def test_download_trickles(app: str) -> None:
    asked = time.monotonic()

    assert len(requests.get(f"http://{app}/download?bytes=5000", timeout=5).content) == 5000
    assert time.monotonic() - asked >= 0.2


def test_echo_sends_the_body_back(app: str) -> None:
    body = os.urandom(100_000)

    with requests.Session() as session:  # the same connection again: nothing is left in it
        for _ in range(2):
            answer = session.post(f"http://{app}/echo", data=body, timeout=5)
            assert answer.content == body


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_websocket_sends_frames_back(app: str, size: int) -> None:
    message = base64.b64encode(os.urandom(size))[:size].decode()

    with connect(f"ws://{app}/ws", max_size=None) as websocket:
        websocket.send(message)
        assert websocket.recv(timeout=5) == message
        assert websocket.ping().wait(5)
        websocket.send(message.encode())
        assert websocket.recv(timeout=5) == message.encode()
    assert websocket.close_code == 1000


def test_start_status_stop(pid_file: Path, other_port: int) -> None:
    options = ["--pid-file", str(pid_file), "--port", str(other_port)]

    assert run("status", *options) == 1
    assert run("start", *options) == 0
    assert run("status", *options) == 0
    assert run("stop", *options) == 0
    assert run("status", *options) == 1


def test_sigterm_ends_it_in_the_middle_of_a_request(pid_file: Path, other_port: int) -> None:
    demo_app.start(pid_file, other_port)
    wait_until_listening(other_port)
    with socket.create_connection(("127.0.0.1", other_port)) as connection:
        connection.sendall(b"GET /slow?seconds=60 HTTP/1.1\r\n\r\n")
        begun = time.monotonic()

        assert demo_app.stop(pid_file)

        assert time.monotonic() - begun < 1


def test_a_second_start_changes_nothing(pid_file: Path, other_port: int) -> None:
    demo_app.start(pid_file, other_port)
    pid = pid_file.read_text()

    demo_app.start(pid_file, other_port)

    assert pid_file.read_text() == pid
    assert demo_app.is_running(pid_file)


def test_notices_that_the_app_was_killed(pid_file: Path, other_port: int) -> None:
    demo_app.start(pid_file, other_port)
    os.kill(int(pid_file.read_text()), signal.SIGKILL)

    deadline = time.monotonic() + DEADLINE_S
    while demo_app.is_running(pid_file):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    demo_app.start(pid_file, other_port)

    assert demo_app.is_running(pid_file)


def test_never_signals_a_stranger_with_the_pid_of_a_dead_app(pid_file: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        pid_file.write_text(f"{stranger.pid}\n")

        assert run("status", "--pid-file", str(pid_file)) == 1
        assert run("stop", "--pid-file", str(pid_file)) == 0
        assert stranger.poll() is None

        stranger.communicate(b"\n")
    assert stranger.returncode == 0


def test_says_why_it_ended_at_once(pid_file: Path, app: str, port: int) -> None:
    demo_app.start(pid_file, port)  # where `app` listens already
    log = pid_file.with_suffix(".log")

    deadline = time.monotonic() + DEADLINE_S
    while "Address already in use" not in log.read_text():
        assert time.monotonic() < deadline, app
        time.sleep(0.01)
