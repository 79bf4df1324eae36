"""An app that is never what limits: a second Traefik, which answers `/ping` by itself.

So every figure of throughput is Traefik's in front of it, and nothing else has to be installed.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import requests
import yaml

from tests.support import eventually, free_port, traefik_program

PATH = "/ping"


@contextlib.contextmanager
def backend(folder: Path) -> Iterator[str]:
    """Run it; yield its URL."""
    port = free_port()
    config = folder / "backend.yml"
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
                "entryPoints": {"web": {"address": f"127.0.0.1:{port}"}},
                "ping": {"entryPoint": "web"},
            }
        )
    )
    argv = [traefik_program(), f"--configFile={config}"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: answers(url), what="the app answers")
            yield url
        finally:
            process.terminate()


def answers(url: str, host: str = "app") -> bool:
    """Whether the app answers there, itself or through a proxy."""
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(url + PATH, headers={"Host": host}, timeout=10).ok
    return False
