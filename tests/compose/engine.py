"""A Docker engine of a test's own, beside the one that answers: one that may be killed.

The programs are those of the machine (dockerd and containerd, on the PATH or as they run now). It
has a bridge of its own, since without one it would remove the other's `docker0`, and no rules of a
firewall; its containers share the network of the machine, on a port of their own. containerd is a
process of its own, as a package sets it up: what runs goes on running while dockerd is gone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import docker
import docker.errors
import psutil
import requests

from tests.support import eventually, missing

_IMAGE = "busybox"


class Engine:
    """One engine in one folder; its containers are gone when it is closed."""

    def __init__(self, *, live_restore: bool = False) -> None:
        # Not pytest's folder: the path of a unix socket may have 108 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="engine-"))
        self._socket = self.folder / "docker.sock"
        self.address = f"unix://{self._socket}"
        self.freed = 0  # how often it had lost a container, and a person had to help
        self._live_restore = live_restore
        self._other = docker.from_env()
        self._network = self._other.networks.create(self.folder.name)
        self._containerd = self._spawn_containerd()
        self._dockerd: subprocess.Popen[bytes] | None = None
        self.start()
        self._load_image()

    @property
    def client(self) -> docker.DockerClient:
        """A new client; one of an engine that has ended is of no use."""
        return docker.DockerClient(base_url=self.address, timeout=30)

    def start(self) -> None:
        flags = ["--live-restore"] if self._live_restore else []
        self._dockerd = self._spawn(
            "dockerd", "--config-file", os.devnull, "--host", self.address,
            "--containerd", str(self.folder / "containerd.sock"),
            "--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec"),
            "--pidfile", str(self.folder / "dockerd.pid"),
            "--bridge", f"br-{self._network.short_id}", "--ip-forward=false",
            "--iptables=false", "--ip6tables=false", *flags,
        )  # fmt: skip
        eventually(self._answers, within_s=60, what="dockerd answers")

    def end(self, number: signal.Signals) -> None:
        """End dockerd, and return when it is gone."""
        assert self._dockerd
        self._dockerd.send_signal(number)
        self._dockerd.wait(60)

    def create(self, name: str, *argv: str, labels: dict[str, str]) -> None:
        """Make a container as people do, `unless-stopped`; asked to stop it has two seconds."""
        api = self.client.api
        restart = {"Name": "unless-stopped"}
        host = api.create_host_config(network_mode="host", restart_policy=restart)
        api.create_container(
            _IMAGE, list(argv), name=name, labels=labels, host_config=host, stop_timeout=2
        )

    def status(self, name: str) -> str:
        return str(self.client.containers.get(name).status)

    def free(self, name: str) -> None:
        """Do what README says where the engine keeps a container `restarting`.

        Killed right after a start, the next engine can take the end of the task of before for that
        of the new one, and does so at each restart (seen in 26.1). What runs it then knows nothing of.
        """
        if self.status(name) == "restarting":
            self._kill_tasks()
            self.client.api.stop(name)
            self.freed += 1

    def remove_all(self) -> None:
        for one in self.client.containers.list(all=True):
            one.remove(force=True)

    def close(self) -> None:
        self.remove_all()
        self._kill_tasks()  # of which the engine may know nothing
        self.end(signal.SIGTERM)
        self._containerd.terminate()
        self._containerd.wait(60)
        for mounted in sorted(self._mounts(), reverse=True):
            subprocess.run(["umount", "--lazy", mounted], check=True)  # noqa: S607 - the system's
        shutil.rmtree(self.folder)
        self._network.remove()
        self._other.close()

    def _kill_tasks(self) -> None:
        for task in self.tasks():
            with contextlib.suppress(psutil.NoSuchProcess):
                task.kill()

    def tasks(self) -> list[psutil.Process]:
        """What runs in its containers, whether the engine knows of it or not."""
        socket = str(self.folder / "containerd.sock")
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if "shim" in process.name() and socket in process.cmdline():
                    found += process.children()
        return found

    def _spawn_containerd(self) -> subprocess.Popen[bytes]:
        socket = self.folder / "containerd.sock"
        (self.folder / "containerd.toml").write_text(
            f'version = 2\nroot = "{self.folder}/root"\nstate = "{self.folder}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{socket}"\n'
        )
        process = self._spawn("containerd", "--config", str(self.folder / "containerd.toml"))
        eventually(socket.exists, within_s=60, what="containerd listens")
        return process

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        path = _path()
        found = shutil.which(program, path=path)
        if found is None or os.geteuid() != 0:
            missing(f"{program}, and the rights to start one")
        with (self.folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen(
                [str(found), *arguments], stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PATH": path},
            )  # fmt: skip

    def _answers(self) -> bool:
        with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
            return bool(self.client.ping())
        return False

    def _load_image(self) -> None:
        self.client.images.load(b"".join(self._other.images.get(_IMAGE).save(named=True)))

    def _mounts(self) -> list[str]:
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        return [mount for mount in mounts if mount.startswith(f"{self.folder}/")]


def _path() -> str:
    """Where programs are looked for: at last beside those of an engine that runs."""
    path = os.environ["PATH"]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "dockerd":
                return f"{path}:{process.environ().get('PATH', '')}"
    return path
