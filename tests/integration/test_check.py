"""`python -m waitroom check`: one line a finding, for each way in which a stack can be wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.local import HOST, ROOT, Local
from tests.support import free_port


def check(local: Local, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "waitroom", "check"],
        cwd=ROOT, env=local.environment | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def whole(local: Local) -> Local:
    local.start()
    return local


def test_finds_nothing_in_a_stack_that_is_well(whole: Local) -> None:
    assert check(whole) == (0, "All is well: 1 host.\n")
    assert not list(whole.routes.glob("check-*"))


def test_names_the_fault_in_a_bad_hosts_yaml(local: Local) -> None:
    local.hosts[HOST]["idle_after"] = "soon"
    local.write_hosts()
    code, said = check(local)
    assert code == 1
    assert f"hosts.'{HOST}'.idle_after" in said


def test_names_the_kinds_that_a_webhook_may_ask_for(local: Local) -> None:
    hooks = [{"url": "http://127.0.0.1:9/hook", "kinds": ["woken", "sleept"]}]
    (local.data / "hosts.yaml").write_text(yaml.safe_dump({"hosts": {}, "webhooks": hooks}))
    code, said = check(local)
    assert code == 1
    assert "webhooks[0].kinds[1]: 'sleept' is none of wake_requested, " in said
    assert len(said.splitlines()) == 1


def test_finds_that_nobody_can_log_in(local: Local) -> None:
    (local.data / "operators.json").write_text("{")
    code, said = check(local)
    assert code == 1
    assert "nobody can log in" in said


def test_finds_that_nothing_runs(local: Local) -> None:
    code, said = check(local)
    assert code == 1
    assert "WAITROOM_URL: no waiting room answers" in said
    assert "WAITROOM_TRAEFIK_URL: Traefik does not answer" in said
    assert len(said.splitlines()) == 2
    assert list(local.routes.iterdir()) == []  # what root makes in it nobody else can write to


def test_finds_a_missing_container_and_a_missing_engine(whole: Local) -> None:
    whole.hosts["box.test"] = {"docker": {"container": "no-such-box"}, "url": "http://box"}
    whole.write_hosts()
    code, said = check(whole, DOCKER_HOST="unix:///no/such.sock")
    assert code == 1
    assert (
        "hosts.'box.test': unreachable: Docker does not answer (DOCKER_HOST): No such file or"
        " directory; start it, or mount its socket here\n"
    ) in said


def test_finds_a_command_that_is_not_there(whole: Local) -> None:
    whole.hosts[HOST]["command"]["status"] = ["/no/such/command"]
    whole.write_hosts()
    code, said = check(whole)
    assert code == 1
    assert "there is no command '/no/such/command'" in said


def test_finds_an_access_log_that_traefik_does_not_write(local: Local) -> None:
    local.write_traefik(access_log=str(local.data / "elsewhere.log"))
    local.start("waitroom", "traefik")
    code, said = check(local)
    assert code == 1
    assert "WAITROOM_ACCESS_LOG: there is no" in said
    (local.data / "access.log").touch()
    code, said = check(local)
    assert code == 1
    assert "Traefik does not write to" in said


def test_finds_a_traefik_that_does_not_read_the_routes(local: Local) -> None:
    (local.data / "other").mkdir()
    local.write_traefik(routes=str(local.data / "other"))
    local.start("waitroom", "traefik")
    code, said = check(local)
    assert code == 1
    assert "what we write is not in force at" in said
    assert "providers.file.directory must be WAITROOM_ROUTES" in said


def test_goes_by_no_proxy_that_the_environment_names(whole: Local) -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    assert check(whole, HTTP_PROXY=proxy, http_proxy=proxy, NO_PROXY="", no_proxy="")[0] == 0


def test_finds_for_each_entry_point_what_is_wrong_with_it(local: Local) -> None:
    silent, redirecting, secured = (free_port() for _ in range(3))
    static = yaml.safe_load((local.data / "traefik.yml").read_text())
    to = {"redirections": {"entryPoint": {"to": "secured"}}}
    static["entryPoints"]["redirecting"] = {"address": f"127.0.0.1:{redirecting}", "http": to}
    static["entryPoints"]["secured"] = {"address": f"127.0.0.1:{secured}", "http": {"tls": {}}}
    (local.data / "traefik.yml").write_text(yaml.safe_dump(static))
    local.start("waitroom", "traefik")
    urls = [f"http://127.0.0.1:{port}" for port in (silent, redirecting, secured)]
    good = [local.url, f"https://127.0.0.1:{secured}"]
    code, said = check(local, WAITROOM_TRAEFIK_URL=",".join(urls + good))
    assert code == 1
    no_answer, redirects, plain = said.splitlines()
    assert f"Traefik does not answer at {urls[0]};" in no_answer
    assert f"WAITROOM_TRAEFIK_URL: {urls[1]} redirects to https://HOST:{secured}/;" in redirects
    assert f"not in force at {urls[2]}:" in plain
    assert "one with http.tls is https://" in plain


@pytest.mark.parametrize("name", ["WAITROOM_DATA", "WAITROOM_ROUTES"])
def test_finds_a_folder_that_cannot_be_written(whole: Local, tmp_path: Path, name: str) -> None:
    blocked = tmp_path / "a-file"
    blocked.touch()
    code, said = check(whole, **{name: str(blocked)})
    assert code == 1
    assert f"{name}: {blocked} can't be written" in said


def test_a_wrong_variable_and_a_wrong_command_have_their_exit_statuses(local: Local) -> None:
    code, said = check(local, WAITROOM_LISTEN="8080")
    assert code == 1
    assert said.startswith("Error: WAITROOM_LISTEN")
    wrong = subprocess.run(
        [sys.executable, "-m", "sidecar", "nonsense"], cwd=ROOT, env=dict(os.environ), capture_output=True, check=False
    )  # fmt: skip
    assert wrong.returncode == 2
