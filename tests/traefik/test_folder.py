from __future__ import annotations

from pathlib import Path

import pytest
import yaml

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
    assert {path.name for path in folder.path.iterdir()} == {
        "_waitroom.yml",
        "app.test.yml",
        "own.yml",
    }


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
