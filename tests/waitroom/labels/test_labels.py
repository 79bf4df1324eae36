from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom.errors import ConfigError
from waitroom.labels.announced import announced, by_group
from waitroom.labels.labels import Container, is_enabled, only_read

ENABLED = {"waitroom.enable": "true"}


def shop(ports: tuple[int, ...] = (80,), **labels: str) -> Container:
    return Container(
        "shop", {**ENABLED, **{k.replace("__", "."): v for k, v in labels.items()}}, ports
    )


def routed(rule: str, **labels: str) -> Container:
    return Container("shop", {**ENABLED, "traefik.http.routers.shop.rule": rule, **labels}, (80,))


@pytest.mark.parametrize(
    ("labels", "enabled"),
    [
        (ENABLED, True),
        ({"waitroom.enable": "True"}, True),
        ({"waitroom.enable": "false"}, False),
        ({"waitroom.host": "shop.test"}, False),
        ({}, False),
    ],
)
def test_only_a_container_that_says_so_is_a_host(labels: dict[str, str], *, enabled: bool) -> None:
    assert is_enabled(labels) is enabled


def test_two_labels_are_enough_for_a_container_without_a_router() -> None:
    found = announced([shop(waitroom__host="shop.test")])
    assert found.host == "shop.test"
    assert found.keys == {
        "docker": {"container": "shop"}, "route": "ours", "url": "http://shop:80",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "host", "aliases"),
    [
        ("Host(`shop.test`)", "shop.test", None),
        ("Host(`shop.test`) && PathPrefix(`/api`)", "shop.test", None),
        ("Host(`shop.test`) || Host(`www.shop.test`)", "shop.test", ["www.shop.test"]),
        ("Host(`shop.test`, `www.shop.test`)", "shop.test", ["www.shop.test"]),
        ('Host("shop.test")', "shop.test", None),
        ("host(`shop.test`) && !Host(`admin.shop.test`)", "shop.test", None),
        ("Host(`Shop.test`) || Host(`shop.test`)", "shop.test", None),
    ],
)
def test_takes_the_names_of_its_own_router(rule: str, host: str, aliases: list[str] | None) -> None:
    found = announced([routed(rule)])
    assert found.host == host
    assert found.keys.get("aliases") == aliases
    assert found.keys["route"] == "own"


def test_a_name_is_one_in_capitals_too() -> None:
    found = announced([routed("Host(`shop.test`)", **{"waitroom.host": "Shop.test"})])
    assert (found.host, found.keys.get("aliases")) == ("shop.test", None)


@pytest.mark.parametrize(
    "label",
    [
        {"traefik.http.routers.shop.rule": r"HostRegexp(`^.+\.shop\.test$`)"},
        {"traefik.http.routers.shop.middlewares": "auth"},  # its rule is Traefik's default
    ],
)
def test_a_router_that_names_no_host_is_left_in_force_too(label: dict[str, str]) -> None:
    # One of ours beside it would lead past its middlewares, and whoever these keep out.
    found = announced([shop(waitroom__host="a.shop.test", **only_read(label))])
    assert found.keys["route"] == "own"


def test_takes_the_entry_points_of_its_own_routers() -> None:
    named = {
        "traefik.http.routers.shop.entryPoints": "websecure, internal",
        "traefik.http.routers.api.entrypoints": "websecure",
    }
    container = routed("Host(`shop.test`)", **only_read(named))
    assert announced([container]).keys["traefik"] == {"entry_points": ["internal", "websecure"]}
    ours = shop(waitroom__host="shop.test", waitroom__route="ours", **named)
    assert "traefik" not in announced([ours]).keys


def test_takes_the_port_of_its_traefik_service() -> None:
    port = {"traefik.http.services.shop.loadbalancer.server.port": "8080"}
    assert announced([routed("Host(`shop.test`)", **port)]).keys["url"] == "http://shop:8080"
    port["traefik.http.services.shop.loadbalancer.server.scheme"] = "https"
    assert announced([routed("Host(`shop.test`)", **port)]).keys["url"] == "https://shop:8080"


def test_reads_the_labels_of_traefik_in_any_case_as_traefik_does() -> None:
    named = only_read(
        {
            "traefik.http.routers.shop.Rule": "Host(`shop.test`)",
            "traefik.http.services.shop.loadBalancer.server.port": "8080",
        }
    )
    found = announced([shop(**named)])
    assert (found.host, found.keys["url"]) == ("shop.test", "http://shop:8080")


@pytest.mark.parametrize(
    ("label", "text", "keys"),
    [
        ("waitroom.idle_after", "1h", {"idle_after": "1h"}),
        ("waitroom.ready.path", "/healthz", {"ready": {"path": "/healthz"}}),
        ("waitroom.ready.status", "[200, 401]", {"ready": {"status": [200, 401]}}),
        ("waitroom.aliases", "[www.shop.test]", {"aliases": ["www.shop.test"]}),
        ("waitroom.awake", "mon-fri 08:00-18:00 Asia/Jakarta",
         {"awake": "mon-fri 08:00-18:00 Asia/Jakarta"}),
        ("waitroom.url", "http://10.0.0.7:9000", {"url": "http://10.0.0.7:9000"}),
        ("waitroom.route", "own", {"route": "own"}),
    ],
)  # fmt: skip
def test_every_key_of_hosts_yaml_is_a_label(label: str, text: str, keys: dict[str, Any]) -> None:
    found = announced(
        [Container("shop", {**ENABLED, "waitroom.host": "shop.test", label: text}, (80,))]
    )
    assert keys.items() <= found.keys.items()


@pytest.mark.parametrize(
    ("container", "says"),
    [
        (shop(), "give it the label waitroom.host"),
        (shop((80, 443), waitroom__host="shop.test"), "It exposes 80, 443"),
        (shop((), waitroom__host="shop.test"), "It exposes none"),
        (shop(waitroom__host="shop.test", waitroom__ready="[1"), "waitroom.ready: '[1' can't be"),
        (shop(waitroom__host="shop.test", waitroom__ready="1", waitroom__ready__path="/"),
         "waitroom.ready.path: 'ready' has a value already"),
    ],
)  # fmt: skip
def test_a_fault_names_the_container_and_the_label(container: Container, says: str) -> None:
    with pytest.raises(ConfigError, match="container shop: ") as fault:
        announced([container])
    assert says.lower() in str(fault.value).lower()


def of_group(name: str, **labels: str) -> Container:
    more = {f"waitroom.{key}": text for key, text in labels.items()}
    return Container(name, {**ENABLED, "waitroom.group": "shop", **more}, (80,))


def test_a_group_is_one_host_and_its_keys_stand_at_any_of_it() -> None:
    db, web = of_group("db", idle_after="1h"), of_group("web", host="shop.test", gate="click")
    alone = routed("Host(`alone.test`)")
    assert by_group([web, alone, db]) == [(db, web), (alone,)]
    found = announced((db, web))
    assert (found.by, found.host) == ("group shop", "shop.test")
    assert found.keys == {
        "docker": {"container": "web", "group": ["db"]},
        "idle_after": "1h", "gate": "click", "route": "ours", "url": "http://web:80",
    }  # fmt: skip


def test_each_app_of_a_group_has_its_names_and_its_address() -> None:
    group = [
        of_group("admin", host="admin.test", url="http://admin:81"),
        of_group("db"),
        of_group("web", host="www.test", aliases="[old.test]"),
    ]
    found = announced(group)
    assert found.host == "admin.test"
    assert found.keys == {
        "docker": {"container": "admin", "group": ["db", "web"]},
        "aliases": {"old.test": None, "www.test": "http://web:80"},
        "route": "ours", "url": "http://admin:81",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("group", "says"),
    [
        ([of_group("db"), of_group("web")], "group shop: for which host?"),
        ([of_group("a", host="a.test"), routed("Host(`b.test`)", **{"waitroom.group": "shop"})],
         "group shop: one has a router of its own, and another none"),
        ([of_group("db", idle_after="1h"), of_group("web", host="shop.test", idle_after="2h")],
         "group shop: waitroom.idle_after: is '1h', and '2h' too"),
        ([of_group("api", host="a.test"), of_group("web", host="a.test")],
         "group shop: a.test leads to api and to web, and a name can lead to one app here; take"),
    ],
)  # fmt: skip
def test_a_fault_of_a_group_names_it(group: list[Container], says: str) -> None:
    with pytest.raises(ConfigError) as fault:
        announced(group)
    assert says in str(fault.value)


@given(st.dictionaries(st.text(), st.text()), st.lists(st.integers(1, 65535)).map(tuple))
def test_no_label_breaks_it(labels: dict[str, str], ports: tuple[int, ...]) -> None:
    prefixed = {f"waitroom.{key}": text for key, text in labels.items()}
    with contextlib.suppress(ConfigError):
        announced([Container("shop", {**labels, **prefixed, **ENABLED}, ports)])
