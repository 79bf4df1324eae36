from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from tests.support import eventually
from waitroom.config import RegistryFile, Settings, load
from waitroom.errors import ConfigError
from waitroom.hosts import Registry

GOOD = "hosts: {app.test: {docker: {container: a}, url: 'http://a:80'}}\n"
OTHER = "hosts: {other.test: {docker: {container: a}, url: 'http://a:80'}}\n"


def test_every_setting_has_a_default() -> None:
    assert Settings.from_environment({}).traefik_urls == ("http://127.0.0.1:8000",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WAITROOM_LISTEN", "8080"),
        ("WAITROOM_LISTEN", "127.0.0.1:99999"),
        ("WAITROOM_LISTEN", "127.0.0.1:0"),
        ("WAITROOM_LISTEN", "127.0.0.1:٣"),
        ("WAITROOM_ADMIN_LISTEN", ":8081"),
        ("WAITROOM_ADMIN_LISTEN", "127.0.0.1:8080"),  # the public listener's port
        ("WAITROOM_URL", "waitroom:8080"),
        ("WAITROOM_TRUSTED_PROXIES", "everybody"),
        ("WAITROOM_LOG", "xml"),
        ("WAITROOM_RELEASE_LOG", "maybe"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Settings.from_environment({name: value})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hosts: [", "is not YAML"),
        ("hosts: {a.test: {}, a.test: {}}", "'a.test' is given twice"),
        ("hosts: {[a, b]: 1}", "a key must be a name.*line 1, column 9"),
        ("? {a: 1}\n: 2", "a key must be a name.*line 1, column 3"),
        ("when: 2026-99-99", "is not YAML that we can read"),
        ("\x00", "is not YAML"),
        ("", "Expected a mapping"),
    ],
)
def test_a_broken_file_is_one_clear_error(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=fault):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "hosts.yaml")


def test_a_bad_edit_is_refused_with_one_line_and_the_old_registry_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(GOOD)
    file = RegistryFile(path)
    path.write_text("hosts: {app.test: {}, b.test: {}}")
    with caplog.at_level(logging.ERROR):
        assert not file.reload()
        assert not file.reload()
    assert len(caplog.records) == 1
    assert "refused" in caplog.text
    assert list(file.registry.hosts) == ["app.test"]
    path.write_text(OTHER)
    assert file.reload()
    assert list(file.registry.hosts) == ["other.test"]


def test_an_edit_by_replacing_the_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(GOOD)
    file, seen, ended = RegistryFile(path), [], threading.Event()

    def changed(registry: Registry) -> None:
        seen.append(list(registry.hosts))

    watcher = threading.Thread(target=file.watch, args=(changed, ended))
    watcher.start()
    try:
        beside = tmp_path / "new"
        beside.write_text(OTHER)
        beside.rename(path)
        eventually(lambda: seen == [["other.test"]])
    finally:
        ended.set()
        watcher.join()


def test_the_watch_goes_on_after_an_edit_that_nobody_could_take_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(GOOD)
    file, seen, ended = RegistryFile(path), [], threading.Event()

    def changed(registry: Registry) -> None:
        seen.append(list(registry.hosts))
        if len(seen) == 1:
            raise ZeroDivisionError

    watcher = threading.Thread(target=file.watch, args=(changed, ended))
    watcher.start()
    try:
        path.write_text(OTHER)
        eventually(lambda: seen == [["other.test"]])
        path.write_text(GOOD + "\n")
        eventually(lambda: seen == [["other.test"], ["app.test"]])
    finally:
        ended.set()
        watcher.join()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [
        ZeroDivisionError
    ]
