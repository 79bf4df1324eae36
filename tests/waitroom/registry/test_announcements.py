from __future__ import annotations

from typing import Any

import pytest

from tests.waitroom.labels.test_labels import ENABLED
from waitroom.labels.labels import Container
from waitroom.registry.document import parse
from waitroom.registry.hosts import Registry
from waitroom.registry.named import DockerUpstream

OTHER = {"other.test": {"docker": {"container": "other"}, "url": "http://other:80"}}


def container(name: str, host: str, **labels: str) -> Container:
    more = {f"waitroom.{key}": text for key, text in labels.items()}
    return Container(name, {**ENABLED, "waitroom.host": host, **more}, (80,))


def registry(*containers: Container, **document: Any) -> Registry:
    return parse({"hosts": OTHER, **document}, containers=containers)


def test_a_container_stands_beside_the_hosts_of_the_file() -> None:
    found = registry(container("shop", "shop.test", idle_after="1h"))
    assert found.refused == ()
    assert list(found.hosts) == ["other.test", "shop.test"]
    shop = found.find("shop.test")
    assert shop
    assert shop.upstream == DockerUpstream("shop")
    assert shop.url == "http://shop:80"
    assert shop.idle_after.total_seconds() == 3600


def test_the_defaults_of_the_file_hold_for_it_too() -> None:
    shop = registry(container("shop", "shop.test"), defaults={"idle_after": "7m"}).find("shop.test")
    assert shop
    assert shop.idle_after.total_seconds() == 420


@pytest.mark.parametrize(
    ("announced", "says"),
    [
        (container("shop", "other.test"), "hosts.yaml has it"),
        (container("shop", "shop.test", aliases="[other.test]"), "other.test is not taken"),
        (container("other", "shop.test"), "hosts.yaml has container other for other.test"),
        (container("shop", "shop.test", idle_after="soon"), "waitroom.idle_after: Expected a dur"),
        (container("shop", "shop.test", idle_aftr="1h"), "did you mean 'idle_after'"),
        (container("shop", "shop.test", gate="shut"), "waitroom.gate: 'shut' is none of"),
        (container("shop", "shop..test"), "is not a hostname"),
        (container("shop", "shop.test", aliases="[shop.test]"), "given twice"),
        (container("shop", "shop.test", command="{start: [rm]}"), "waitroom.command: the container"),
        (container("shop", "shop.test", **{"page.logo": "key.png"}), "waitroom.page.logo: a label names no"),
        (container("shop", "shop.test", page="{template: /etc}"), "waitroom.page.template: a label"),
        (Container("shop", {**ENABLED, "waitroom.docker.container": "other"}), "waitroom.docker: the container"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_in_is_one_line_and_harms_nobody_else(
    announced: Container, says: str
) -> None:
    found = registry(announced, container("well", "well.test"))
    [line] = found.refused
    assert line.startswith(f"container {announced.name}: ")
    assert says in line
    assert list(found.hosts) == ["other.test", "well.test"]
    other = found.find("other.test")
    assert other
    assert other.upstream == DockerUpstream("other")


def test_of_two_containers_that_announce_one_host_neither_is_taken() -> None:
    announced = container("b", "shop.test"), container("a", "www.test", aliases="[shop.test]")
    for order in (announced, announced[::-1]):
        found = registry(*order, container("well", "well.test"))
        assert found.refused == (
            "container a and container b: all announce shop.test, so none of them is taken in; leave waitroom.enable at one",
        )
        assert list(found.hosts) == ["other.test", "well.test"]


def test_a_group_stands_beside_the_hosts_of_the_file() -> None:
    web, db = container("web", "shop.test", group="shop"), container("db", "", group="shop")
    found = registry(web, db)
    assert found.refused == ()
    assert found.hosts["shop.test"].upstream == DockerUpstream("web", ("db",))


def test_a_group_can_have_nothing_that_a_host_of_the_file_puts_to_sleep() -> None:
    web, other = container("web", "shop.test", group="shop"), container("other", "", group="shop")
    [line] = registry(web, other).refused
    assert line.startswith("group shop: shop.test is not taken from its labels")
    assert line.endswith("hosts.yaml has container other for other.test")
