from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from watchfiles._rust_notify import RustNotify

from traefik.folder import RouteFolder, Shadow

NAMES = ("app.test", "www.app.test")


@pytest.fixture
def folder(tmp_path: Path) -> RouteFolder:
    return RouteFolder(tmp_path)


def test_draining_turns_into_sleep(folder: RouteFolder) -> None:
    folder.drain(NAMES, "proof.invalid")
    assert folder.shadow("app.test") is Shadow.DRAINING
    assert folder.fall_asleep("app.test")
    assert folder.shadow("app.test") is Shadow.ASLEEP
    assert folder.hand_over("app.test")
    assert folder.shadow("app.test") is None


def test_of_a_visitor_and_a_sleep_exactly_one_wins(folder: RouteFolder) -> None:
    folder.drain(NAMES, "proof.invalid")
    assert folder.call_off("app.test")
    assert not folder.fall_asleep("app.test")
    folder.drain(NAMES, "proof.invalid")
    assert folder.fall_asleep("app.test")
    assert not folder.call_off("app.test")


def test_a_shadow_leads_every_name_to_the_waiting_room(folder: RouteFolder) -> None:
    folder.mark_asleep(NAMES)
    http = yaml.safe_load((folder.path / "app.test.asleep.yml").read_text())["http"]
    plain, secured = http["routers"].values()
    assert plain["rule"] == "Host(`app.test`) || Host(`www.app.test`)"
    assert plain["service"] == "waitroom"
    assert secured == {**plain, "tls": {}}


def test_publishing_removes_our_routes_that_nobody_owns_and_leaves_foreign_files(
    folder: RouteFolder,
) -> None:
    foreign = folder.path / "own.yml"
    foreign.write_bytes(b"http: {}\xff")
    folder.publish("http://w:8080", [(NAMES, "http://app:80"), (("b.test",), "http://b:80")])
    folder.mark_asleep(("b.test",))
    folder.publish("http://w:8080", [(NAMES, "http://app:80")])
    folder.forget(["app.test"])
    assert {path.name for path in folder.path.glob("*.yml")} == {
        "_waitroom.yml",
        "app.test.yml",
        "own.yml",
    }


def test_a_file_that_somebody_else_has_written_is_not_replaced_and_holds_up_no_other(
    folder: RouteFolder,
) -> None:
    foreign = folder.path / "app.test.yml"
    foreign.write_bytes(b"http: {}\xff")
    with pytest.raises(FileExistsError, match=r"is not ours.*app\.test\.yml"):
        folder.publish("http://w:8080", [(NAMES, "http://app:80"), (("b.test",), "http://b:80")])
    assert foreign.read_bytes() == b"http: {}\xff"
    assert folder.leads(("b.test",), "http://b:80")
    assert not folder.leads(NAMES, "http://app:80")


def test_a_file_that_a_crash_left_empty_is_replaced(folder: RouteFolder) -> None:
    (folder.path / "app.test.yml").touch()
    folder.lead(NAMES, "http://app:80")
    assert folder.leads(NAMES, "http://app:80")


def test_a_file_appears_whole_and_nothing_else_happens_where_traefik_looks(
    folder: RouteFolder,
) -> None:
    folder.mark_asleep(("first.test",))  # makes the folder in which files are written
    watch = RustNotify([str(folder.path)], False, False, 0, False, False)  # noqa: FBT003 - its way
    with watch:
        folder.mark_asleep(("b.test",))
        seen = watch.watch(200, 20, 5_000, None)
    assert isinstance(seen, set)
    assert {Path(path).name for _, path in seen} == {"b.test.asleep.yml"}


def test_publishing_the_same_again_touches_nothing(folder: RouteFolder) -> None:
    folder.publish("http://w:8080", [(NAMES, "http://app:80")])
    before = (folder.path / "app.test.yml").stat().st_ino
    folder.publish("http://w:8080", [(NAMES, "http://app:80")])
    assert (folder.path / "app.test.yml").stat().st_ino == before


def test_publishing_leaves_a_route_whose_url_is_known_after_a_start(folder: RouteFolder) -> None:
    folder.lead(NAMES, "http://10.0.0.2:80")
    folder.publish("http://w:8080", [(NAMES, None)])
    assert folder.leads(NAMES, "http://10.0.0.2:80")
    assert not folder.leads(NAMES, "http://10.0.0.3:80")
    assert not folder.leads(("other.test",), "http://10.0.0.2:80")
    folder.publish("http://w:8080", [])
    assert not folder.leads(NAMES, "http://10.0.0.2:80")


def test_what_is_no_file_to_read_is_not_ours_and_holds_up_nothing(folder: RouteFolder) -> None:
    (folder.path / "backup.yml").mkdir()
    folder.publish("http://waitroom:8080", [(["a.test"], "http://127.0.0.1:1")])
    folder.mark_asleep(["a.test"])
    folder.publish("http://waitroom:8080", [])
    folder.forget([])
    assert {path.name for path in folder.path.glob("*.yml")} == {"_waitroom.yml", "backup.yml"}
