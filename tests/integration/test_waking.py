"""Waking through the real Traefik; no sidecar is needed for that."""

from __future__ import annotations

import shlex
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import yaml

from tests.integration.local import HOST, Local
from tests.support import eventually
from traefik.routes import render_shadow


@pytest.fixture
def room(local: Local) -> Local:
    local.start("waitroom", "traefik")
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep", what="found stopped")
    return local


def test_a_sleeping_host_answers_with_an_honest_page(room: Local) -> None:
    answer = room.get("/some/path?q=1", headers={"Accept-Language": "id"})
    assert answer.status_code == 503
    assert answer.headers["X-Waitroom"] == "asleep"
    assert answer.headers["Cache-Control"] == "no-store"
    assert int(answer.headers["Retry-After"]) > 0
    assert "Anda sekarang berada di antrian, terima kasih telah menunggu." in answer.text
    assert HOST in answer.text
    assert not room.app_runs()


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("*/*", "text/html"),
        ("application/json", "application/problem+json"),
        ("application/problem+json", "application/problem+json"),
        ("text/plain", "text/plain"),
    ],
)
def test_each_client_gets_its_own_form(room: Local, accept: str, mimetype: str) -> None:
    answer = room.get(headers={"Accept": accept})
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].partition(";")[0] == mimetype


def test_a_post_with_the_pages_token_wakes_it(room: Local) -> None:
    room.wake()
    assert room.get("/slow?seconds=0").status_code == 200
    assert not (room.routes / f"{HOST}.asleep.yml").exists()


def test_the_form_without_script_finds_its_way_back(room: Local) -> None:
    token = room.token(room.get("/deep/page?q=1"))
    answer = room.get(
        "/.waitroom/wake", method="POST", data={"token": token},
        headers={"Accept": "text/html", "Referer": f"http://{HOST}:1/deep/page?q=1"},
    )  # fmt: skip
    assert (answer.status_code, answer.headers["Location"]) == (303, "/deep/page?q=1")


@pytest.mark.parametrize("size", [100, 1_000_000, 20_000_000])
def test_a_body_for_a_sleeping_app_is_answered_and_not_a_bad_gateway(
    room: Local, size: int
) -> None:
    for _ in range(4):
        answer = room.get("/upload", method="POST", data=b"x" * size)
        assert (answer.status_code, answer.headers["X-Waitroom"]) == (503, "asleep")


def test_forty_large_uploads_at_once_to_a_sleeping_app_are_answered(room: Local) -> None:
    body = b"x" * 20_000_000
    with ThreadPoolExecutor(40) as pool:
        answers = pool.map(
            lambda _: room.get("/upload", method="POST", data=body, timeout=60), range(40)
        )
    assert {(a.status_code, a.headers.get("X-Waitroom")) for a in answers} == {(503, "asleep")}


@pytest.mark.parametrize("path", ["/upload", "/.waitroom/wake"])
def test_who_sends_a_body_slowly_makes_nobody_else_wait(room: Local, path: str) -> None:
    # More than there are threads; none of them ever ends.
    senders = [begin_to_post(room.port, path) for _ in range(100)]
    token = room.token(room.get(timeout=5))
    assert room.get("/.waitroom/status", timeout=5).status_code == 200
    eventually(lambda: room.post_wake(token).status_code == 202, what="the wake is taken")
    for sender in senders:
        sender.close()


def test_a_wake_whose_body_does_not_come_is_told_so(room: Local) -> None:
    with begin_to_post(room.room_port, "/.waitroom/wake") as sender:
        assert sender.recv(12) == b"HTTP/1.1 408"


def begin_to_post(port: int, path: str) -> socket.socket:
    """Send the head of a POST and one byte of its body."""
    sender = socket.create_connection(("127.0.0.1", port), timeout=30)
    form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n"
    sender.sendall(f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\n{form}\r\nt".encode())
    return sender


def test_a_burst_of_visitors_while_it_drains_is_served_at_once(room: Local) -> None:
    room.wake()
    room.drain()
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: room.get("/x", timeout=10), range(40)))
    # Sent on, served already, or given the page that leads on by itself.
    assert {a.status_code for a in answers} <= {200, 307, 503}
    assert 307 in {a.status_code for a in answers}
    assert "draining" not in {a.headers.get("X-Waitroom") for a in answers}
    eventually(room.is_awake)


def test_a_monitor_does_not_call_off_a_sleep(room: Local) -> None:
    room.wake()
    room.drain()
    answer = room.get(headers={"User-Agent": "Mozilla/5.0+(compatible; UptimeRobot/2.0)"})
    assert (answer.status_code, answer.headers["X-Waitroom"]) == (503, "draining")
    assert room.get(headers={"User-Agent": "Firefox"}).status_code == 307


def test_readiness_is_told_in_time_though_a_provider_hangs(room: Local) -> None:
    room.hosts["hangs.test"] = room.host_keys() | {
        "command": {"start": ["true"], "stop": ["true"], "status": ["sleep", "60"]}
    }
    room.write_hosts()
    eventually(lambda: room.get(host="hangs.test").status_code == 503, what="the host is adopted")
    answer = requests.get(f"http://127.0.0.1:{room.admin_port}/readyz", timeout=8)
    assert answer.status_code == 503
    assert [line.partition(":")[0] for line in answer.json()["findings"]] == ["hosts.'hangs.test'"]


def test_get_never_wakes(room: Local) -> None:
    for path in ("/", "/.waitroom/wake", "/favicon.ico", "/.waitroom/status"):
        room.get(path)
        room.get(path, method="HEAD")
    assert not room.app_runs()
    assert "wake_requested" not in (room.data / "journal.jsonl").read_text()


def test_a_wrong_used_or_foreign_token_wakes_nothing(room: Local) -> None:
    room.hosts["other.test"] = room.host_keys() | {
        "command": {k: ["false"] for k in ("start", "stop", "status")}
    }
    room.write_hosts()
    eventually(
        lambda: room.get(host="other.test").status_code == 503, what="the other host is adopted"
    )
    foreign = room.token(room.get(host="other.test"))
    for token in ("", "nonsense", foreign, room.token(room.get()) + "x"):
        assert room.post_wake(token).status_code == 403
    assert not room.app_runs()
    good = room.token(room.get())
    assert room.post_wake(good).status_code == 202
    eventually(room.is_awake)
    subprocess.run(room.app_command("stop"), check=True)
    eventually(lambda: room.get().headers.get("X-Waitroom") == "asleep")
    eventually(lambda: room.post_wake(good).status_code == 403, what="the used token is refused")
    assert not room.app_runs()


def test_an_unknown_host_is_an_honest_404(room: Local) -> None:
    answer = room.get(host="nobody.test")
    assert answer.status_code == 404
    assert answer.headers["X-Waitroom"] == "unknown"
    assert room.get("/.waitroom/wake", "nobody.test", method="POST").status_code == 404
    assert room.get("/.waitroom/canary/x", "nobody.test").status_code == 404


def test_an_app_that_was_stopped_by_hand_leads_to_the_waiting_room_and_wakes_again(
    room: Local,
) -> None:
    room.wake()
    subprocess.run(room.app_command("stop"), check=True)
    assert room.get().status_code == 503
    eventually(lambda: room.get().headers["X-Waitroom"] == "asleep")
    assert room.post_wake(room.token(room.get())).status_code == 202
    eventually(room.is_awake)


def test_an_app_that_was_started_by_hand_gets_its_route_back(room: Local) -> None:
    subprocess.run(room.app_command("start"), check=True)
    eventually(room.is_awake)
    assert "found_running" in (room.data / "journal.jsonl").read_text()


def test_an_apps_own_error_is_told_as_such(room: Local) -> None:
    room.wake()
    answer = room.get("/.waitroom/gap?st=502", headers={"Accept": "text/plain"}, timeout=5)
    assert "X-Waitroom" not in answer.headers  # an app that runs is asked itself

    def is_told() -> bool:
        direct = requests.get(
            f"http://127.0.0.1:{room.room_port}/.waitroom/gap?st=502",
            headers={"Host": HOST, "Accept": "text/plain"}, timeout=5,
        )  # fmt: skip
        return direct.headers["X-Waitroom"] == "ready" and "502" in direct.text

    eventually(is_told, what="its app was asked in time, and its status is told")


def test_a_start_command_that_returns_before_its_app_runs_is_run_once(local: Local) -> None:
    starts = local.data / "starts"
    start = shlex.join(local.app_command("start"))
    script = f"echo x >> {starts}; (sleep 1; exec {start}) > /dev/null 2>&1 &"
    local.hosts[HOST]["command"]["start"] = ["sh", "-c", script]
    local.write_hosts()
    local.start("waitroom", "traefik")
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep")
    local.wake()
    assert starts.read_text() == "x\n"


def test_an_app_whose_stop_is_under_way_unseen_is_waited_for_and_started_again(
    local: Local,
) -> None:
    """As a sidecar leaves it that was told of no end within 30 s: it sleeps, and runs still."""
    wake_what_is_being_stopped(local)
    subprocess.run(local.app_command("stop"), check=True)
    eventually(local.is_awake)
    assert "woken" in (local.data / "journal.jsonl").read_text()


def test_a_stop_over_which_a_sidecar_died_is_ordered_again_by_the_next_and_holds_up_no_wake(
    local: Local,
) -> None:
    wake_what_is_being_stopped(local)
    local.start("sidecar")
    eventually(local.is_awake, what="it is stopped first, and started then")
    assert "its stop was cut short, and is ordered again" in local.log("sidecar")
    eventually(lambda: local.events("found_stopped"), what="its end is recorded")
    assert not (local.data / "stops" / HOST).exists()


def wake_what_is_being_stopped(local: Local) -> None:
    """Have a wake wait for a stop that was about to be ordered, and is not under way."""
    subprocess.run(local.app_command("start"), check=True)
    (local.routes / f"{HOST}.asleep.yml").write_text(render_shadow([HOST]))
    (local.data / "stops").mkdir()
    (local.data / "stops" / HOST).touch()
    local.start("waitroom", "traefik")
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep", what="it sleeps")
    assert local.post_wake(local.token(local.get())).status_code == 202
    eventually(lambda: "still shutting down" in local.get("/.waitroom/status").text)
    assert local.app_runs()


def test_a_name_given_to_a_sleeping_host_leads_to_its_page_at_once(room: Local) -> None:
    room.hosts[HOST]["aliases"] = ["www.test"]
    room.write_hosts()
    eventually(lambda: room.get(host="www.test").headers.get("X-Waitroom") == "asleep")
    token = room.token(room.get(host="www.test"))
    eventually(lambda: room.post_wake(token, host="www.test").status_code == 202)
    eventually(lambda: "X-Waitroom" not in room.get(host="www.test").headers)


def test_a_sleeping_host_with_a_router_of_its_own_is_renamed_without_a_bad_gateway(
    local: Local,
) -> None:
    server = {"url": f"http://127.0.0.1:{local.app_port}"}
    http = {
        "routers": {"app": {"rule": f"Host(`{HOST}`) || Host(`www.test`)", "service": "app"}},
        "services": {"app": {"loadBalancer": {"servers": [server]}}},
    }
    (local.routes / "own.yml").write_text(yaml.safe_dump({"http": http}))
    local.hosts[HOST] |= {"route": "own", "aliases": ["www.test"]}
    local.write_hosts()
    local.start("waitroom", "traefik")
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep")
    local.hosts["www.test"] = local.hosts.pop(HOST) | {"aliases": [HOST]}
    local.write_hosts()
    met = set()

    def is_renamed() -> bool:
        met.update(local.get(host=name).headers.get("X-Waitroom") for name in (HOST, "www.test"))
        return not (local.routes / f"{HOST}.asleep.yml").exists()

    eventually(is_renamed)
    assert (local.routes / "www.test.asleep.yml").exists()
    assert met == {"asleep"}


def test_a_broken_host_is_not_tried_at_the_pace_of_its_visitors(local: Local) -> None:
    local.hosts[HOST]["command"]["start"] = ["false"]
    local.write_hosts()
    local.start("waitroom", "traefik")
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep")
    assert local.post_wake(local.token(local.get())).status_code == 202
    eventually(lambda: local.get().headers["X-Waitroom"] == "failed")
    answer = local.post_wake(local.token(local.get()))
    assert (answer.status_code, answer.headers["X-Waitroom"]) == (429, "failed")
    assert (local.data / "journal.jsonl").read_text().count("wake_requested") == 1
    local.hosts[HOST]["command"]["start"] = local.app_command("start")
    local.write_hosts()
    eventually(
        lambda: local.post_wake(local.token(local.get())).status_code == 202, what="the pause ends"
    )
    eventually(local.is_awake)


def test_a_wake_is_taken_up_again_after_the_waiting_room_was_killed(room: Local) -> None:
    flag = room.data / "may-start"
    start = ["sh", "-c", f"test -e {flag} && exec {' '.join(room.app_command('start'))}; sleep 1"]
    room.hosts[HOST]["command"]["start"] = start
    room.write_hosts()
    room.end("waitroom")
    room.start("waitroom")
    assert room.post_wake(room.token(room.get())).status_code == 202
    room.end("waitroom", 9)
    flag.touch()
    room.start("waitroom")
    eventually(room.is_awake)
    kinds = (room.data / "journal.jsonl").read_text()
    assert kinds.count("wake_requested") == kinds.count("woken") == 1


def test_many_visitors_at_once_cause_one_wake(room: Local) -> None:
    tokens = [room.token(room.get()) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(room.post_wake, tokens))
    eventually(room.is_awake)
    # Whoever came after the hand-over met the app, which knows no /.waitroom/wake.
    assert {answer.status_code for answer in answers if "X-Waitroom" in answer.headers} == {202}
    assert (room.data / "journal.jsonl").read_text().count("wake_requested") == 1


def test_the_plain_failover_of_the_article_works_without_the_route_files(local: Local) -> None:
    (local.routes / "own").mkdir()
    local.write_traefik(routes=str(local.routes / "own"))
    http = {
        "routers": {"app": {"rule": f"Host(`{HOST}`)", "service": "app"}},
        "services": {
            "app": {"failover": {"service": "vm", "fallback": "waiting"}},
            "vm": {
                "loadBalancer": {
                    "servers": [{"url": f"http://127.0.0.1:{local.app_port}"}],
                    "healthCheck": {"path": "/", "interval": "200ms", "timeout": "1s"},
                }
            },
            "waiting": {
                "loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{local.room_port}"}]}
            },
        },
    }
    (local.routes / "own" / "app.yml").write_text(yaml.safe_dump({"http": http}))
    local.hosts[HOST]["route"] = "own"
    local.write_hosts()
    local.start("waitroom", "traefik")
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep")
    local.wake()


def test_a_restart_of_the_waiting_room_holds_its_visitors_for_a_moment(local: Local) -> None:
    local.start()
    eventually(lambda: local.get().headers.get("X-Waitroom") == "asleep")
    with ThreadPoolExecutor(1) as pool:
        local.end("waitroom")
        answer = pool.submit(local.get)
        local.start("waitroom")
        assert answer.result().headers.get("X-Waitroom") == "asleep"


def test_the_page_is_compressed_for_who_takes_it_and_says_what_was_not_sent_on(
    room: Local,
) -> None:
    browser = {"Accept": "text/html", "Accept-Encoding": "gzip"}
    page = room.get(method="POST", data={"note": "x"}, headers=browser)
    assert page.headers["Content-Encoding"] == "gzip"
    assert "has not been passed on" in page.text
    plain = room.get(headers={"Accept": "text/plain", "Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert "POST /.waitroom/wake" in plain.text
    assert "has not been passed on" not in room.get(headers=browser).text


def test_a_client_that_prefers_to_wait_is_held_and_sent_on_when_it_is_ready(room: Local) -> None:
    room.post_wake(room.token(room.get()))
    held = room.get("/path?q=1", method="POST", data="x", headers={"Prefer": "wait=20"}, timeout=30)
    assert held.status_code == 307
    assert held.headers["Location"] == "/path?q=1"
    assert held.headers["Preference-Applied"] == "wait=20"


def test_preferring_to_wait_wakes_nothing_and_waits_for_nothing(room: Local) -> None:
    answer = room.get(headers={"Prefer": "wait=20"})
    assert answer.headers["X-Waitroom"] == "asleep"
    assert not room.app_runs()
