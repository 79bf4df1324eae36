"""examples/gce as it stands, with the tests' own Compute Engine in a container beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.edge import Edge, edge
from tests.compose.stack import ROOT, docker, wait_until
from tests.support import missing

pytestmark = pytest.mark.xdist_group("edge")

EXAMPLE = ROOT / "examples" / "gce"
HOST = "erp.localhost"


def google() -> dict[str, object]:
    return {
        "image": "python:3.13-slim",
        "command": ["python", "-m", "tests.gce.serve"],
        "working_dir": "/srv",
        "init": True,
        "volumes": [f"{ROOT / 'tests' / 'gce'}:/srv/tests/gce:ro"],
    }


def configured(folder: Path) -> list[str]:
    """Let the example's VM sleep soon; return the volume."""
    shutil.copytree(EXAMPLE / "config", folder)
    text = (folder / "hosts.yaml").read_text()
    assert text.count("idle_after: 30m") == 1
    (folder / "hosts.yaml").write_text(text.replace("idle_after: 30m", "idle_after: 3s"))
    return [f"{folder}:/config:ro"]


def credentials(folder: Path) -> Path:
    """Make a key for each of the two, as Google makes them."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("openssl")
    folder.mkdir()
    for account in ("waitroom", "waitroom-sidecar"):
        made = subprocess.run([str(openssl), "genrsa", "2048"], check=True, capture_output=True)
        key = {
            "type": "service_account", "project_id": "my-project", "private_key_id": "1",
            "private_key": made.stdout.decode(), "token_uri": "https://oauth2.googleapis.com/token",
            "client_email": f"{account}@my-project.iam.gserviceaccount.com", "client_id": "1",
        }  # fmt: skip
        (folder / f"{account}.json").write_text(json.dumps(key))
        (folder / f"{account}.json").chmod(0o444)
    return folder


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("CREDENTIALS", str(credentials(tmp_path / "credentials")))
    ours = {
        "volumes": configured(tmp_path / "config"),
        "environment": {"GCE_API_ENDPOINT": "http://google:80"},
    }
    services = {"google": google(), "waitroom": ours, "sidecar": ours}
    name = f"waitroom-gce-{os.getpid()}"
    with edge(name, tmp_path, example="gce", services=services) as made:
        yield made


def statuses(example: Edge) -> list[str]:
    """Return what the VM has been, in order."""
    lines = docker("logs", f"{example.name}-gce-compose-google-1").splitlines()
    return [line.removeprefix("erp-1 ") for line in lines]


def test_a_vm_is_started_by_a_visitor_and_suspended_after_him(example: Edge) -> None:
    wait_until("it is found asleep", lambda: example.state(HOST) == "asleep")
    page = example.get(HOST, "/orders?page=2")
    assert (page.status_code, page.headers["X-Waitroom"]) == (503, "asleep")
    example.wake(HOST, page)
    wait_until("its app is served", lambda: example.get(HOST).text == "Hello from the VM\n")
    wait_until("it is suspended", lambda: statuses(example)[-1] == "SUSPENDED")
    assert statuses(example) == ["PROVISIONING", "STAGING", "RUNNING", "SUSPENDING", "SUSPENDED"]
    assert example.state(HOST) == "asleep"
