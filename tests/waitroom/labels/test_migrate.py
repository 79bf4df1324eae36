from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from waitroom.commands import cli
from waitroom.errors import ConfigError
from waitroom.labels.announced import announced
from waitroom.labels.labels import Container
from waitroom.labels.migrate import migrate

LISTED = """\
# my shop
services:
  shop:
    image: shop   # as it was
    labels:
      - traefik.enable=true
      - sablier.enable=true   # sleeps
      - sablier.group=shop
      - "traefik.docker.allownonrunning=true"
      - traefik.http.middlewares.sleepy.plugin.sablier.group=shop
      - traefik.http.middlewares.sleepy.plugin.sablier.sablierUrl=http://sablier:10000
      - traefik.http.middlewares.sleepy.plugin.sablier.sessionDuration=5m
      - traefik.http.middlewares.sleepy.plugin.sablier.dynamic.theme=ghost
      - traefik.http.routers.shop.rule=Host(`shop.test`)
      - traefik.http.routers.shop.middlewares=auth,sleepy@docker
  sablier:
    image: sablierapp/sablier
"""


def test_a_service_of_sablier_is_one_of_ours() -> None:
    text, said = migrate(LISTED)
    assert (
        text
        == """\
# my shop
services:
  shop:
    image: shop   # as it was
    labels:
      - traefik.enable=true
      - "waitroom.enable=true"
      - "waitroom.idle_after=5m"
      - traefik.http.routers.shop.rule=Host(`shop.test`)
      - "traefik.http.routers.shop.middlewares=auth"
  sablier:
    image: sablierapp/sablier
"""
    )
    assert said == ["service sablier: is not needed any more, nor is Traefik's plugin"]


def test_labels_written_as_a_mapping_stay_one() -> None:
    text, said = migrate("""\
services:
  shop:
    labels:
      sablier.enable: true
      sablier.group: "shop"
      traefik.http.routers.shop.middlewares: sleepy
  proxy:
    labels:
      traefik.http.middlewares.sleepy.plugin.sablier.group: shop
      traefik.http.middlewares.sleepy.plugin.sablier.sessionDuration: 1h
""")
    assert yaml.safe_load(text) == {
        "services": {
            "shop": {"labels": {"waitroom.enable": "true", "waitroom.idle_after": "1h"}},
            "proxy": {"labels": None},
        }
    }
    assert said == []


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("sablier.ready-after=30s", "an app is ready when it answers"),
        ("sablier.running-hours=09:00-18:00", "write waitroom.awake"),
        ("sablier.idle.cpu=0.1", "a host is on or off"),
        ("sablier.of-tomorrow=1", "has no counterpart"),
        ("traefik.http.middlewares.s.plugin.sablier.ignoreUserAgent=curl", "ignore_agents"),
        ("traefik.http.routers.shop.middlewares=sablier@file", "is sablier@file of Sablier's"),
    ],
)
def test_what_has_no_counterpart_is_said(label: str, says: str) -> None:
    _, said = migrate(f"services:\n  shop:\n    labels:\n      - {label}\n")
    [line] = said
    assert line.startswith("service shop: ")
    assert says in line


def test_a_group_of_several_stays_one() -> None:
    both = "    labels:\n      - sablier.enable=true\n      - sablier.group=shop\n"
    text, said = migrate(f"services:\n  web:\n{both}  db:\n{both}")
    assert any(line.startswith("group shop: its 2 services") for line in said)
    for service in yaml.safe_load(text)["services"].values():
        assert service["labels"] == ["waitroom.enable=true", "waitroom.group=shop"]


@pytest.mark.parametrize("group", ["", "      - sablier.group=default\n"])
def test_who_names_no_group_is_in_none(group: str) -> None:
    both = f"    labels:\n      - sablier.enable=true\n{group}"
    text, said = migrate(f"services:\n  web:\n{both}  db:\n{both}")
    assert any(line.startswith("2 services name no group") for line in said)
    assert "waitroom.group" not in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "services: [",
            "^line 1, column 12: is not YAML: expected [^<]*'<stream end>'; something above",
        ),
        ("[" * 5000, "is not YAML that we can read"),
        ("a: 1", "has no services"),
        ("", "has no services"),
        ("services: {shop: {labels: [sablier.enable=true]}}", "line 1: give each label of shop"),
    ],
)
def test_a_file_that_cannot_be_edited_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        migrate(text)


def test_the_command_prints_the_file_and_says_the_rest_aside(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_text(LISTED)
    done = CliRunner().invoke(cli, ["migrate", str(path)])
    assert done.exit_code == 0
    labels = yaml.safe_load(done.stdout)["services"]["shop"]["labels"]
    found = announced([Container("shop", dict(one.split("=", 1) for one in labels), (80,))])
    assert (found.host, found.keys["idle_after"]) == ("shop.test", "5m")
    assert "service sablier" in done.stderr
    assert path.read_text() == LISTED


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_bytes(b"\xff")
    done = CliRunner().invoke(cli, ["migrate", str(path)], standalone_mode=False)
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception).startswith(f"{path}: ")


@given(
    labels=st.dictionaries(
        st.sampled_from(["sablier.enable", "sablier.group", "other", "sablier.x", "waitroom.host"]),
        st.text(max_size=20),
    ),
    listed=st.booleans(),
)
def test_whatever_the_labels_are_the_others_stay_as_they_were(
    labels: dict[str, str], *, listed: bool
) -> None:
    written = [f"{key}={value}" for key, value in labels.items()] if listed else labels
    before = yaml.safe_dump(
        {"services": {"shop": {"labels": written, "image": "shop"}}}, default_flow_style=False,
        width=10_000,
    )  # fmt: skip
    with contextlib.suppress(ConfigError):  # an empty collection is written as {}
        after = yaml.safe_load(migrate(before)[0])["services"]["shop"]
        left = after["labels"] or {}
        left = dict(one.split("=", 1) for one in left) if isinstance(left, list) else left
        assert after["image"] == "shop"
        kept = {key: text for key, text in labels.items() if not key.startswith("sablier.")}
        assert kept.items() <= left.items()
        assert not any(key.startswith("sablier.") for key in left)
