"""Hosts behind TLS, whose routers stand elsewhere, and entry points that are not alike."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from tests.integration.local import HOST, Local
from tests.support import eventually, free_port, missing
from traefik.folder import RouteFolder


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

    def own_routers(self, *, tls: dict[str, Any] | None = None, **more: Any) -> None:
        """Write what somebody who knows nothing of us has written."""
        rule, service = f"Host(`{HOST}`)", "mine"
        self.hosts[HOST]["route"] = "own"
        self.write_hosts()
        http = {
            "routers": {
                "plain": {"rule": rule, "service": service, "entryPoints": ["web"], **more},
                "mine": {
                    "rule": rule,
                    "service": service,
                    "entryPoints": ["websecure"],
                    "tls": tls or {},
                },
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

    def https(self, path: str = "/", **shows: str) -> tuple[int, str | None, str]:
        """Ask as a browser would, which knows this host's certificate and trusts no other."""
        with urllib3.HTTPSConnectionPool(
            "127.0.0.1", self.tls_port, server_hostname=HOST, assert_hostname=HOST,
            ca_certs=str(self.certificate), **shows,
        ) as pool:  # fmt: skip
            answer = pool.request(
                "GET", path, headers={"Host": HOST}, redirect=False, retries=False,
            )  # fmt: skip
            return answer.status, answer.headers.get("X-Waitroom"), answer.data.decode()

    def answers_over_tls(self, status: int, state: str | None, **shows: str) -> bool:
        try:
            return self.https(**shows)[:2] == (status, state)
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


@pytest.mark.parametrize("own", [False, True], ids=["ours", "own"])
def test_an_app_is_reached_only_with_the_certificate_that_its_visitors_must_show(
    tmp_path: Path, *, own: bool
) -> None:
    strict = {"options": "strict@file"}
    stack = Secured(tmp_path, secured={} if own else {"http": {"tls": strict}})
    if own:
        stack.own_routers(tls=strict)
    options = {"strict": {"clientAuth": {"clientAuthType": "RequireAnyClientCert"}}}
    (stack.routes / "options.yml").write_text(yaml.safe_dump({"tls": {"options": options}}))
    shows = {"cert_file": str(stack.certificate), "key_file": str(tmp_path / "key.pem")}
    stack.start("waitroom", "traefik")
    with urllib3.HTTPSConnectionPool(
        "127.0.0.1", stack.tls_port, server_hostname=HOST, cert_reqs="CERT_NONE", maxsize=1
    ) as pool:
        try:
            eventually(lambda: stack.answers_over_tls(503, "asleep", **shows), what="asleep")
            # Who sleeps asks for none; a connection that was let in so must not lead to the app.
            assert kept_alive(pool) == 503
            stack.wake()
            eventually(lambda: stack.answers_over_tls(200, None, **shows), what="the app")
            assert kept_alive(pool) == 421
            assert pool.num_connections == 1
            with pytest.raises((urllib3.exceptions.HTTPError, ssl.SSLError)):
                stack.https()
        finally:
            stack.close()


def kept_alive(pool: urllib3.HTTPSConnectionPool) -> int:
    with warnings.catch_warnings():  # the certificate is another test's matter
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        return pool.request("GET", "/", headers={"Host": HOST}, retries=False).status


def test_no_certificate_is_ordered_for_what_only_proves_something(tmp_path: Path) -> None:
    stack = Secured(tmp_path, secured={"http": {"tls": {"certResolver": "authority"}}})
    static = yaml.safe_load((tmp_path / "traefik.yml").read_text())
    nobody = f"http://127.0.0.1:{free_port()}/directory"
    account = {"storage": str(tmp_path / "acme.json"), "caServer": nobody, "tlsChallenge": {}}
    static["certificatesResolvers"] = {"authority": {"acme": account}}
    static["log"] = {"level": "DEBUG"}
    (tmp_path / "traefik.yml").write_text(yaml.safe_dump(static))
    (stack.routes / "certificates.yml").unlink()
    stack.start()
    try:
        eventually(lambda: stack.get().headers.get("X-Waitroom") == "asleep")
        stack.wake()
        eventually(stack.is_asleep, within_s=40, what="asleep, so it was proved")
        log = stack.log("traefik")
        assert f"certificate for domain [{HOST}]" in log
        assert ".invalid]" not in log
    finally:
        stack.close()


def test_a_visitor_during_draining_goes_on_to_an_app_whose_only_route_is_behind_tls(
    tmp_path: Path,
) -> None:
    stack = Secured(tmp_path, secured={})
    stack.own_routers(rule="Host(`elsewhere.test`)")
    stack.start("waitroom", "traefik")
    try:
        eventually(lambda: stack.answers_over_tls(503, "asleep"), what="asleep behind TLS")
        assert stack.post_wake(stack.token(stack.get())).status_code == 202
        eventually(lambda: stack.answers_over_tls(200, None), what="the app behind TLS")
        RouteFolder(stack.routes).drain([HOST], "proof.test")
        eventually(lambda: stack.https("/.waitroom/canary/x")[0] == 204, what="shadowed")
        assert stack.https()[0] == 307
        assert stack.https()[0] == 200
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


def default_is_web(folder: Path) -> None:
    """Let routers that name no entry point belong to the plain one alone."""
    static = yaml.safe_load((folder / "traefik.yml").read_text())
    static["entryPoints"]["web"]["asDefault"] = True
    (folder / "traefik.yml").write_text(yaml.safe_dump(static))


def test_a_host_at_an_entry_point_that_is_no_default_sleeps_if_that_is_said(tmp_path: Path) -> None:
    stack = Secured(tmp_path, secured={}, traefik={"entry_points": ["websecure"]})
    stack.own_routers()
    default_is_web(tmp_path)
    sleeps_and_wakes(stack)


def test_nothing_sleeps_where_an_entry_point_does_not_get_our_routers(tmp_path: Path) -> None:
    stack = Secured(tmp_path, secured={})
    default_is_web(tmp_path)
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
