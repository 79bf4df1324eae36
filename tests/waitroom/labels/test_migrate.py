from __future__ import annotations

from pathlib import Path
from typing import Any

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
      - "waitroom.enable=true"   # sleeps
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
            "shop": {"labels": {"waitroom.enable": True, "waitroom.idle_after": "1h"}},
            "proxy": {"labels": {}},
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


SHARED_BY_TWO = """\
services:
  web: {labels: &both {sablier.group: shop}}
  db: {labels: {<<: *both, sablier.enable: 1}}
  cache: {labels: {sablier.group: shop, sablier.enable: 1}}
"""
MEANT_FOR_ANOTHER = """\
services:
  web: {labels: &web {sablier.enable: 1}}
  db: {labels: {<<: *web, sablier.enable: 2, sablier.group: db}}
  proxy:
    labels:
      traefik.http.middlewares.m.plugin.sablier.group: default
      traefik.http.middlewares.m.plugin.sablier.sessionDuration: 1h
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "services: [",
            "^line 1, column 12: is not YAML: expected [^<]*'<stream end>'; something above",
        ),
        ("[" * 5000, "is not YAML that we can read"),
        ("services: &a {<<: *a}", "is not YAML that we can read"),
        ("a: 1", "has no services"),
        ("", "has no services"),
        ("services: {a: {}}\n---\nservices: {b: {}}", "line 2, .*; a file holds one; remove `---`"),
        ("services: {a: {labels: {a: 1, a: 2}}}", "^line 1: 'a' is given twice"),
        (
            "services: {a: {labels: {sablier.group: &g shop, b: *g}}}",
            r"^line 1: \*g stands for a part of a label that changes, in line 1; write it out first",
        ),
        (SHARED_BY_TWO, "^line 2: web and db share sablier.group, and need different labels in"),
        (MEANT_FOR_ANOTHER, "^line 2, 3, 6, 7: can't be edited as it is written; write each label"),
    ],
)
def test_a_file_that_cannot_be_edited_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        migrate(text)


def migrated(before: str) -> str:
    return migrate(before)[0]


def test_labels_behind_anchors_and_merge_keys_are_changed_where_they_stand() -> None:
    assert (
        migrated("""\
x-labels: &common
  sablier.enable: &yes "true"   # all of them
  sablier.group: shop
services:
  web:
    labels: *common
  db:
    labels:
      <<: *common
      backup: *yes
  cache:
    labels:
      sablier.enable: *yes
      sablier.group: shop
  other: &other
    labels: [&on "sablier.enable=true", a=b]
  more:
    labels: [*on, traefik.docker.allownonrunning=true]
  same:
    <<: *other
""")
        == """\
x-labels: &common
  waitroom.enable: &yes "true"   # all of them
  waitroom.group: shop
services:
  web:
    labels: *common
  db:
    labels:
      <<: *common
      backup: *yes
  cache:
    labels:
      waitroom.enable: *yes
      waitroom.group: shop
  other: &other
    labels: ["waitroom.enable=true", a=b]
  more:
    labels: ["waitroom.enable=true"]
  same:
    <<: *other
"""
    )


def test_a_service_of_several_groups_makes_them_one() -> None:
    text, said = migrate("""\
services:
  shop: {labels: [sablier.enable=true, sablier.group=shop]}
  office: {labels: [sablier.enable=true, sablier.group=office]}
  database: {labels: [sablier.enable=true, "sablier.group=shop, office"]}
""")
    assert any(line.startswith("group shop, office: its 3 services") for line in said)
    for service in yaml.safe_load(text)["services"].values():
        assert service["labels"] == ["waitroom.enable=true", "waitroom.group=shop"]


def test_what_is_there_of_ours_is_not_given_twice() -> None:
    plugin = "traefik.http.middlewares.m.plugin.sablier"
    labels = f"waitroom.idle_after: 1h, {plugin}.group: s, {plugin}.sessionDuration: 5m"
    text = f"services: {{a: {{labels: {{sablier.enable: on, sablier.group: s, {labels}}}}}}}"
    assert migrated(text) == (
        "services: {a: {labels: {waitroom.enable: on, waitroom.idle_after: 1h}}}"
    )


def test_a_duration_that_is_none_of_ours_is_said() -> None:
    plugin = "traefik.http.middlewares.m.plugin.sablier"
    text, said = migrate(
        f"services: {{a: {{labels: [sablier.enable=1, {plugin}.group=default,"
        f" {plugin}.sessionduration=1.5h]}}}}"
    )
    assert text == 'services: {a: {labels: ["waitroom.enable=1"]}}'
    assert said == [
        "service a: sessionDuration 1.5h: write waitroom.idle_after, such as 90s or 1h30m"
    ]


def test_whatever_else_names_sablier_is_said() -> None:
    _, said = migrate("""\
services:
  traefik:
    command: --experimental.plugins.sablier.version=v1
    depends_on: [sablier]
  app: {image: sablierapp/mimic:latest}
  sablier: {image: "${IMAGE:-sablierapp/sablier:1}", container_name: sablier}
""")
    assert said == [
        "service sablier: is not needed any more, nor is Traefik's plugin",
        "line 3: '--experimental.plugins.sablier.version=v1' names Sablier, too; take it out",
        "line 4: 'sablier' names Sablier, too; take it out",
        "line 5: 'sablierapp/mimic:latest' names Sablier, too; take it out",
    ]


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


@pytest.mark.parametrize("break_", [b"\n", b"\r\n"])
def test_the_command_keeps_the_breaks_of_lines(break_: bytes, tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_bytes(LISTED.encode().replace(b"\n", break_).removesuffix(break_))
    done = CliRunner().invoke(cli, ["migrate", str(path)])
    assert done.stdout_bytes.split(break_) == migrated(LISTED).encode().removesuffix(b"\n").split(
        b"\n"
    )


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_bytes(b"\xff")
    done = CliRunner().invoke(cli, ["migrate", str(path)], standalone_mode=False)
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception).startswith(f"{path}: ")


KEYS = st.sampled_from(
    [
        "sablier.enable", "sablier.group", "sablier.ready-after", "traefik.docker.allownonrunning",
        "traefik.http.routers.a.middlewares", "traefik.http.middlewares.m.plugin.sablier.group",
        "traefik.http.middlewares.m.plugin.sablier.sessionDuration", "waitroom.enable", "other",
    ]
)  # fmt: skip
VALUES = st.sampled_from(["true", "shop", "m", "m,other", "5m", "1.5h", "a: b # c", "", "é\t'\"\\"])


def quoted(text: str, style: str | None, *, flow: bool) -> str:
    """Write it as YAML."""
    if flow:
        dumped = yaml.safe_dump([text], default_style=style, default_flow_style=True, width=999)
        return dumped[1:-2]
    return yaml.safe_dump(text, default_style=style, width=999).split("\n...")[0].strip("\n")


@st.composite
def written(draw: st.DrawFn, text: str, names: list[str], *, flow: bool) -> str:
    """Write a scalar in one of the ways that YAML has, with an anchor or without."""
    style = draw(st.sampled_from([None, "'", '"', *([] if flow else ["|", ">"])]))
    anchor = f"&{names.pop()} " if names and draw(st.booleans()) else ""
    return anchor + quoted(text, style, flow=flow).replace("\n", "\n            ")


@st.composite
def compose_files(draw: st.DrawFn) -> str:
    """Write a file as a person might, and as nobody would."""
    free, made, lines = [f"a{n}" for n in range(9)], [], []
    for service in ("web", "db", "cache"):
        flow, listed = draw(st.booleans()), draw(st.booleans())
        labels = draw(st.dictionaries(KEYS, VALUES, max_size=4))
        entries = []
        for key, value in labels.items():
            if listed:
                entries.append(draw(written(f"{key}={value}", free, flow=flow)))
            elif len(free) < 9 and draw(st.integers(0, 4)) == 0:
                entries.append(f"{key}: *a{draw(st.integers(len(free), 8))}")
            else:
                entries.append(f"{key}: {draw(written(value, free, flow=flow))}")
        if made and not listed and draw(st.booleans()):
            entries.insert(
                draw(st.integers(0, len(entries))), f"<<: *{draw(st.sampled_from(made))}"
            )
        lines += [f"  {service}:", "    image: app   # its own"]
        if made and draw(st.booleans()):
            lines.append(f"    labels: *{draw(st.sampled_from(made))}")
            continue
        anchor = f" &{service}" if draw(st.booleans()) else ""
        if flow or not entries:
            inside = draw(st.sampled_from([", ", " , ", ",\n      ", ", # why\n      "])).join(
                entries
            )
            lines.append(f"    labels:{anchor} " + (f"[{inside}]" if listed else f"{{{inside}}}"))
        else:
            lines.append(f"    labels:{anchor}")
            for entry in entries:
                comment = draw(st.sampled_from(["", "", "      # above\n"]))
                after = (
                    "  # beside"
                    if "\n" not in entry and "|" not in entry and draw(st.booleans())
                    else ""
                )
                lines.append(f"{comment}      {'- ' if listed else ''}{entry}{after}")
        if anchor and not listed:
            made.append(service)
    text = "services:\n" + "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n# end\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def labels_of(service: dict[str, Any]) -> dict[str, Any]:
    labels = service["labels"]
    return (
        {one.partition("=")[0]: one.partition("=")[2] for one in labels}
        if isinstance(labels, list)
        else labels
    )


def is_theirs(key: str) -> bool:
    return "sablier." in key or "allownonrunning" in key or key.endswith(".middlewares")


@given(compose_files())
def test_whatever_is_printed_means_the_same_but_for_the_labels_of_sablier(before: str) -> None:
    try:
        then = yaml.safe_load(before)["services"]
        after = migrated(before)
    except (ConfigError, yaml.YAMLError):
        return
    now = yaml.safe_load(after)["services"]
    assert after.count("#") >= before.count("# its own")
    for service, said in now.items():
        were, are = labels_of(then[service]), labels_of(said)
        assert said.keys() == then[service].keys()
        assert not any("sablier." in key for key in are)
        if "sablier.enable" in were and "waitroom.enable" not in were:
            assert are["waitroom.enable"] == were["sablier.enable"]
        ours = ("waitroom.enable", "waitroom.group", "waitroom.idle_after")
        kept = {key: value for key, value in were.items() if not is_theirs(key)}
        left = {key: value for key, value in are.items() if not is_theirs(key)}
        assert kept == {key: value for key, value in left.items() if key in kept or key not in ours}
    assert migrated(after) == after
