"""Hosts behind TLS, whose routers stand elsewhere, and entry points that are not alike."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from tests.integration.local import HOST, Local
from tests.support import eventually, free_port, missing


class Secured(Local):
    """A stack with a second entry point, which leaves TLS to its routers."""

    def __init__(self, folder: Path, *, secured: dict[str, Any], **keys: Any) -> None:
        super().__init__(folder, **keys)
        self.tls_port = free_port()
        self.certificate = certificate(folder)
        static = yaml.safe_load((folder / "traefik.yml").read_text())
        static["entryPoints"]["websecure"] = {"address": f"127.0.0.1:{self.tls_port}", **secured}
        (folder / "traefik.yml").write_text(yaml.safe_dump(static))
        self.environment["WAITROOM_TRAEFIK_URL"] = f"{self.url},https://127.0.0.1:{self.tls_port}"

    def own_routers(self, **more: Any) -> None:
        """Write what somebody who knows nothing of us has written."""
        rule, service = f"Host(`{HOST}`)", "mine"
        self.hosts[HOST]["route"] = "own"
        self.write_hosts()
        http = {
            "routers": {
                "plain": {"rule": rule, "service": service, "entryPoints": ["web"], **more},
                "mine": {"rule": rule, "service": service, "entryPoints": ["websecure"], "tls": {}},
            },
            "services": {
                service: {
                    "loadBalancer": {
                        "servers": [{"url": f"http://127.0.0.1:{self.app_port}"}],
                        "serversTransport": "waitroom-app@file",
                    }
                }
            },
            "middlewares": {"secure": {"redirectScheme": {"scheme": "https"}}},
        }
        (self.routes / "mine.yml").write_text(yaml.safe_dump({"http": http}))

    def https(self) -> tuple[int, str | None, str]:
        """Ask as a browser would, which knows this host's certificate and trusts no other."""
        with urllib3.HTTPSConnectionPool(
            "127.0.0.1", self.tls_port, server_hostname=HOST, assert_hostname=HOST,
            ca_certs=str(self.certificate),
        ) as pool:  # fmt: skip
            answer = pool.request(
                "GET", "/", headers={"Host": HOST}, redirect=False, retries=False,
            )  # fmt: skip
            return answer.status, answer.headers.get("X-Waitroom"), answer.data.decode()

    def answers_over_tls(self, status: int, state: str | None) -> bool:
        try:
            return self.https()[:2] == (status, state)
        except (urllib3.exceptions.HTTPError, ssl.SSLError):
            return False


def certificate(folder: Path) -> Path:
    """Make a certificate for the host and let Traefik serve it by the name that is asked for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("openssl")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
         "-out", cert, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = {"certificates": [{"certFile": str(cert), "keyFile": str(key)}]}
    (folder / "routes" / "certificates.yml").write_text(yaml.safe_dump({"tls": tls}))
    return cert


def sleeps_and_wakes(stack: Secured) -> None:
    stack.start()
    try:
        eventually(lambda: stack.answers_over_tls(503, "asleep"), what="asleep behind TLS")
        assert stack.get().headers["X-Waitroom"] == "asleep"
        stack.wake()
        eventually(lambda: stack.answers_over_tls(200, None), what="the app behind TLS")
        eventually(stack.is_asleep, within_s=40, what="asleep again")
        assert stack.https()[:2] == (503, "asleep")
        eventually(lambda: stack.events("slept"))
    finally:
        stack.close()


@pytest.mark.parametrize(
    "secured", [{}, {"http": {"tls": {}}}], ids=["by-router", "by-entry-point"]
)
@pytest.mark.parametrize("own", [False, True], ids=["ours", "own"])
def test_a_host_behind_tls_sleeps_and_wakes_under_its_own_certificate(
    tmp_path: Path, *, own: bool, secured: dict[str, Any]
) -> None:
    stack = Secured(tmp_path, secured=secured)
    if own:
        stack.own_routers()
    sleeps_and_wakes(stack)


def test_a_host_whose_plain_router_redirects_sleeps_and_wakes(tmp_path: Path) -> None:
    stack = Secured(tmp_path, secured={})
    stack.own_routers(middlewares=["secure"])
    stack.start()
    try:
        eventually(lambda: stack.answers_over_tls(503, "asleep"), what="asleep behind TLS")
        token = stack.token(stack.get())
        assert stack.post_wake(token).status_code == 202
        eventually(lambda: stack.answers_over_tls(200, None), what="the app behind TLS")
        assert stack.get().status_code == 302
        eventually(stack.is_asleep, within_s=40, what="asleep again")
    finally:
        stack.close()


def calls_off(stack: Secured, says: str) -> None:
    stack.own_routers()
    stack.start()
    try:
        eventually(lambda: stack.get().headers.get("X-Waitroom") == "asleep")
        stack.wake()
        eventually(lambda: stack.events("sleep_called_off"), within_s=30)
        event = stack.events("sleep_called_off")[-1]
        assert event["reason"] == "not_shadowed"
        assert says in event["detail"]
        assert stack.app_runs()
    finally:
        stack.close()


def test_nothing_sleeps_where_an_entry_point_does_not_get_our_routers(tmp_path: Path) -> None:
    stack = Secured(tmp_path, secured={})
    static = yaml.safe_load((tmp_path / "traefik.yml").read_text())
    static["entryPoints"]["web"]["asDefault"] = True
    (tmp_path / "traefik.yml").write_text(yaml.safe_dump(static))
    calls_off(stack, f"not in force at https://127.0.0.1:{stack.tls_port}")


def test_nothing_sleeps_where_the_entry_point_that_we_know_redirects(tmp_path: Path) -> None:
    stack = Secured(tmp_path, secured={})
    redirecting = {"redirections": {"entryPoint": {"to": "web", "scheme": "http"}}}
    static = yaml.safe_load((tmp_path / "traefik.yml").read_text())
    port = free_port()
    static["entryPoints"]["old"] = {"address": f"127.0.0.1:{port}", "http": redirecting}
    (tmp_path / "traefik.yml").write_text(yaml.safe_dump(static))
    stack.environment["WAITROOM_TRAEFIK_URL"] = f"http://127.0.0.1:{port},{stack.url}"
    calls_off(stack, "redirects to")
