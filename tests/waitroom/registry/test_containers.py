from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.waitroom.labels.test_labels import routed
from tests.waitroom.registry.test_announcements import container
from tests.waitroom.registry.test_config import edit
from waitroom.labels.announced import announced
from waitroom.labels.labels import Container, only_read
from waitroom.registry.config import RegistryFile, load
from waitroom.registry.containers import read, write

SHOP = container("shop", "shop.test")


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yaml"
    path.write_text("hosts: {}\n")
    return path


def test_what_was_written_is_read_and_the_same_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "containers.json"
    assert read(path) == ()
    assert write(path, [SHOP])
    assert read(path) == (SHOP,)
    assert not write(path, [SHOP])
    assert write(path, [])
    assert read(path) == ()


@pytest.mark.parametrize("text", [b"", b"{", b'[{"name": 1}]', b"\xff"])
def test_a_file_that_was_torn_announces_nothing_and_says_so(
    tmp_path: Path, hosts: Path, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "containers.json"
    path.write_bytes(text)
    assert not load(hosts, path).hosts
    assert "containers.json can't be read" in caplog.text


def test_a_container_that_comes_or_goes_is_in_force_at_the_next_look(
    tmp_path: Path, hosts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "containers.json"
    now_s = [0.0]
    file = RegistryFile(hosts, path, clock=lambda: now_s[0])
    write(path, [SHOP])
    assert file.reload()
    assert list(file.registry.hosts) == ["shop.test"]
    with caplog.at_level(logging.ERROR):
        write(path, [SHOP, container("rival", "shop.test")])
        assert file.reload()
        write(path, [SHOP, container("rival", "shop.test"), container("well", "well.test")])
        assert file.reload()
        assert not caplog.records  # it may be on its way out
        for now_s[0] in (10.0, 20.0, 40.0):
            assert not file.reload()
    assert list(file.registry.hosts) == ["well.test"]
    assert [record.message for record in caplog.records] == list(file.registry.refused)
    write(path, [])
    assert file.reload()
    assert not file.registry.hosts


def test_no_label_is_written_down_that_is_not_read() -> None:
    secret = {"traefik.http.middlewares.auth.basicauth.users": "me:secret", "password": "secret"}
    port = {"traefik.http.services.shop.loadbalancer.server.port": "8080"}
    shop = routed("Host(`shop.test`)", **{**secret, **port, "waitroom.idle_after": "1h"})
    kept = Container(shop.name, only_read(shop.labels), shop.ports)
    assert not secret.keys() & kept.labels.keys()
    assert announced([kept]) == announced([shop])


def test_containers_come_and_go_while_an_edit_of_hosts_yaml_is_refused(
    tmp_path: Path, hosts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "containers.json"
    file = RegistryFile(hosts, path)
    edit(hosts, "hosts: [")
    write(path, [SHOP])
    assert not file.reload()
    assert file.reload()
    assert list(file.registry.hosts) == ["shop.test"]
    write(path, [])
    assert file.reload()
    assert list(file.registry.hosts) == []
    assert not file.reload()
    assert caplog.text.count("an edit is refused") == 1
