"""A stack whose upstream is a VM of the test server, with an app that runs while the VM does."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import yaml

from tests.gce.machines import Machine
from tests.gce.server import PROJECT, ZONE, Gce, Metadata
from tests.integration.local import HOST, ROOT, Local

_TOKEN = "ya29.of-the-metadata-server"


class VmStack(Local):
    """Traefik, waiting room and sidecar, which find their credentials on a metadata server."""

    def __init__(self, folder: Path, gce: Gce, metadata: Metadata, **keys: Any) -> None:
        self.gce = gce
        self.about = {"project": PROJECT}
        super().__init__(folder, **keys)
        gce.token = _TOKEN
        self.environment |= {"GCE_API_ENDPOINT": gce.url, **metadata.environment}
        self.environment.pop("GOOGLE_APPLICATION_CREDENTIALS", None)
        self.app: subprocess.Popen[bytes] | None = None
        self.addresses: list[str] = []
        self._numbers = itertools.count(1)
        self._switching = threading.Lock()
        gce.machines.addresses = self._new_address
        gce.machines.changed = self._switch_app
        self.machine = gce.machines.add("erp-1")

    def host_keys(self, **keys: Any) -> dict[str, Any]:
        return {"gce": {"instance": "erp-1", "zone": ZONE}, "port": self.app_port, **keys}

    def write_hosts(self) -> None:
        document = {"gce": self.about, "hosts": self.hosts}
        (self.data / "hosts.yaml").write_text(yaml.safe_dump(document))

    def app_runs(self) -> bool:
        return self.machine.status not in ("TERMINATED", "SUSPENDED")

    def close(self) -> None:
        for name in tuple(self.processes):
            self.end(name)
        self._end_app()

    def _new_address(self, _: Machine) -> str:
        self.addresses.append(f"127.0.1.{next(self._numbers)}")
        return self.addresses[-1]

    def _switch_app(self, machine: Machine) -> None:
        with self._switching:
            if machine.status == "RUNNING":
                argv = ["-m", "waitroom.demo.app", "serve", "--host", machine.address, "--port"]
                self.app = subprocess.Popen([sys.executable, *argv, str(self.app_port)], cwd=ROOT)
            elif machine.status in ("STOPPING", "SUSPENDING"):
                self._end_app()

    def _end_app(self) -> None:
        if self.app:
            self.app.kill()  # a machine that stops takes its connections with it
            self.app.wait()
            self.app = None


def metadata_server() -> Metadata:
    return Metadata(_TOKEN)


__all__ = ["HOST", "VmStack", "metadata_server"]
