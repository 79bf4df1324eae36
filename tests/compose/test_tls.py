"""examples/tls as it stands: its router is untouched, and its certificate is all that is shown."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from tests.compose.edge import Project, edge
from tests.compose.stack import ROOT, wait_until
from tests.support import missing

pytestmark = pytest.mark.xdist_group("edge")

EXAMPLE = ROOT / "examples" / "tls"
HOST = "shop.localhost"
BROWSER = {
    "Host": HOST,
    "Accept": "text/html",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}


@dataclass(frozen=True, slots=True)
class Shop:
    """The app, asked as by a browser that trusts its certificate and no other."""

    project: Project
    certificate: Path

    def ask(self, method: str, path: str, **more: object) -> urllib3.BaseHTTPResponse:
        with urllib3.HTTPSConnectionPool(
            "127.0.0.1", self.project.edge.port, server_hostname=HOST, assert_hostname=HOST,
            ca_certs=str(self.certificate), timeout=10, retries=False,
        ) as pool:  # fmt: skip
            return pool.request(method, path, headers=BROWSER, redirect=False, **more)  # type: ignore[arg-type]

    def is_served(self) -> bool:
        """Whether the app itself answers; before Traefik has read the certificate nobody does."""
        try:
            answer = self.ask("GET", "/")
        except urllib3.exceptions.HTTPError:
            return False
        return answer.data == b"Hello from the shop\n" and "X-Waitroom" not in answer.headers


def own_certificate(folder: Path) -> Path:
    """Make what the example's README tells people to make."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("openssl")
    shutil.copytree(EXAMPLE / "own", folder, ignore=shutil.ignore_patterns("*.pem"))
    subprocess.run(
        [str(openssl), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
         "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    certificate = own_certificate(tmp_path / "own")
    services = {"traefik": {"volumes": [f"{certificate.parent}:/routes/own:ro"]}}
    name = f"waitroom-tls-{os.getpid()}"
    with edge(name, tmp_path, example="tls", services=services) as made:
        project = made.project(EXAMPLE / "shop.yml")
        project.override({"shop": {"labels": {"waitroom.idle_after": "3s"}}})
        with project.up():
            yield Shop(project, certificate)


def test_a_host_behind_tls_sleeps_and_wakes_under_its_own_certificate(shop: Shop) -> None:
    wait_until("the app is served", shop.is_served)
    before = shop.project.found("shop", ".Id"), shop.project.found("shop", "json .Config.Labels")

    wait_until("the idle app is stopped", lambda: not shop.project.runs("shop"))
    page = shop.ask("GET", "/orders?page=2")
    assert (page.status, page.headers["X-Waitroom"]) == (503, "asleep")
    token = re.search(r'name="token" value="([^"]+)"', page.data.decode())
    assert token
    shop.ask("POST", "/.waitroom/wake", fields={"token": token[1]}, encode_multipart=False)

    wait_until("the app is served again", shop.is_served)
    found = shop.project.found("shop", ".Id"), shop.project.found("shop", "json .Config.Labels")
    assert found == before
