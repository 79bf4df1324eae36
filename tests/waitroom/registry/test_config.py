from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from pathlib import Path

import pytest

from tests.support import eventually
from waitroom.errors import ConfigError
from waitroom.registry.config import RegistryFile, load
from waitroom.registry.hosts import Registry

GOOD = "hosts: {app.test: {docker: {container: a}, url: 'http://a:80'}}\n"
OTHER = "hosts: {other.test: {docker: {container: a}, url: 'http://a:80'}}\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hosts: [", "line 1, column 9: is not YAML: expected the node content"),
        ("hosts:\n\ta.test: {}", "line 2, column 1: is not YAML: found character '\\t'"),
        (
            "hosts: {a.test: {}, a.test: {}}",
            "line 1, column 21: 'a.test' is given twice; remove one",
        ),
        ("hosts: {[a, b]: 1}", "line 1, column 9: a key must be a name"),
        ("? {a: 1}\n: 2", "line 1, column 3: a key must be a name"),
        ("hosts: !mine {}", "line 1, column 8: the tag '!mine' means nothing here; leave it out"),
        (
            "when: 2026-99-99",
            "line 1, column 7: '2026-99-99' is no timestamp; in quotes it is text",
        ),
        ("\x00", "is not YAML: unacceptable character #x0000: special characters are not allowed"),
        ("", "is empty"),
        ("[]", "Expected a mapping"),
        ("hosts: {a.test: {gate: x}}", "hosts.'a.test'.gate: "),
    ],
)
def test_a_broken_file_is_one_clear_error(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: {fault}")
    assert "<unicode string>" not in str(error.value)


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}: is a folder, not a file; Docker makes one")


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="is a pipe or a device, not a file"):
        load(path)


def test_a_file_of_another_encoding_is_said_to_be_saved_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_bytes("# büro".encode("latin-1"))
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value) == f"{path}: can't be read: byte 4 is no UTF-8; save it so"


def test_a_refused_edit_names_the_file_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(GOOD)
    file = RegistryFile(path)
    edit(path, "hosts: {app.test: {}")
    assert not file.reload()
    [line] = [record.getMessage() for record in caplog.records]
    assert line.count("hosts.yaml") == 1
    assert line.endswith("; a bracket above is not closed")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "hosts.yaml")


def edit(path: Path, text: str, ago_s: float = 10) -> None:
    """Write a file as if that had been some time ago."""
    path.write_text(text)
    then_s = time.time() - ago_s
    os.utime(path, (then_s, then_s))


def test_a_bad_edit_is_refused_with_one_line_and_the_old_registry_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(GOOD)
    file = RegistryFile(path)
    edit(path, "hosts: {app.test: {}, b.test: {}}")
    with caplog.at_level(logging.ERROR):
        assert not file.reload()
        assert not file.reload()
    assert len(caplog.records) == 1
    assert "refused" in caplog.text
    assert list(file.registry.hosts) == ["app.test"]
    edit(path, OTHER)
    assert file.reload()
    assert list(file.registry.hosts) == ["other.test"]


def watched_folders() -> int:
    """Count those that the kernel tells this process about."""
    found = 0
    for handle in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found += "inotify" in str(handle.readlink())
    return found


def test_an_edit_by_replacing_the_file_is_seen_without_an_event_for_each_line_beside_it(
    tmp_path: Path,
) -> None:
    """The access log may lie there, and who writes it pays for each event."""
    path = tmp_path / "hosts.yaml"
    path.write_text(GOOD)
    before = watched_folders()
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
        assert watched_folders() == before
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


def test_half_an_edit_is_left_alone_until_nothing_more_is_written(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(GOOD)
    file = RegistryFile(path)
    path.write_text("hosts: {}  # and more to come")
    assert not file.reload()
    edit(path, OTHER)
    assert file.reload()
    assert list(file.registry.hosts) == ["other.test"]


def test_an_edit_of_tomorrow_is_taken_in_today(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(GOOD)
    file = RegistryFile(path)
    edit(path, OTHER, ago_s=-86_400)
    assert file.reload()
