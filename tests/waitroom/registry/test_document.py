from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom.errors import ConfigError
from waitroom.registry.document import parse
from waitroom.registry.hosts import Registry, normalise
from waitroom.registry.named import GceUpstream
from waitroom.registry.values import Duration, Gate, Sleep

APP: dict[str, Any] = {"docker": {"container": "app"}, "url": "http://app:80"}
VM: dict[str, Any] = {"gce": {"instance": "erp-1", "zone": "asia-southeast2-a"}, "port": 8080}
GCE = {"project": "my-project"}


def host(**keys: Any) -> dict[str, Any]:
    return {"hosts": {"app.test": {**APP, **keys}}}


def test_reads_the_example_of_the_readme_with_all_its_defaults() -> None:
    registry = parse({"defaults": {"idle_after": "1h"}, **host(aliases=["www.app.test"])})
    found = registry.find("www.app.test")
    assert found
    assert found.name == "app.test"
    assert found.idle_after == timedelta(hours=1)
    assert found.gate is Gate.VISIT
    assert found.sleep is Sleep.STOP
    assert found.ready.path == "/"


def test_a_hosts_own_key_wins_over_the_defaults() -> None:
    registry = parse({"defaults": {"gate": "closed"}, **host(gate="click")})
    assert registry.hosts["app.test"].gate is Gate.CLICK


def test_a_host_changes_single_keys_of_the_mappings_in_the_defaults() -> None:
    defaults = {
        "budget": {"awake_per_day": "12h", "wakes_per_day": 5},
        "ready": {"path": "/up", "timeout": "1m"},
        "activity": {"ignore_paths": ["/ping"]},
    }
    own = {
        "budget": {"wakes_per_day": 9},
        "ready": {"path": "/"},
        "activity": {"ignore_agents": ["x"]},
    }
    found = parse({"defaults": defaults, **host(**own)}).hosts["app.test"]
    assert (found.budget.awake_per_day, found.budget.wakes_per_day) == (timedelta(hours=12), 9)
    assert (found.ready.path, found.ready.timeout) == ("/", timedelta(minutes=1))
    assert (found.activity.ignore_paths, found.activity.ignore_agents) == (("/ping",), ("x",))


@pytest.mark.parametrize(
    "written",
    ["app.test", "APP.Test", "app.test.", "app.test:8000", "App.test.:443", " app.test"],
)
def test_finds_a_host_however_the_client_writes_it(written: str) -> None:
    assert parse(host()).find(written) is not None


@pytest.mark.parametrize(
    "written", ["", "other.test", "app.test.evil.com", "app_test", "[::1]:80", "a b"]
)
def test_finds_nothing_under_another_name(written: str) -> None:
    assert parse(host()).find(written) is None


def test_international_names_meet_in_punycode() -> None:
    registry = parse({"hosts": {"bücher.example": APP}})
    assert registry.find("xn--bcher-kva.example")
    assert registry.find("BÜCHER.example:8000")


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (None, "is empty; it needs at least `hosts: {}`"),
        ([], "Expected a mapping, got a list"),
        ({}, "the key 'hosts' is missing"),
        ({"hostz": {}}, "unknown key 'hostz'; did you mean 'hosts'?"),
        ({"hosts": {"app.test": None}}, "hosts.'app.test': Expected a mapping"),
        ({"hosts": {12: {}}}, "hosts: Expected text, got a whole number; in quotes it is text"),
        (host(idle_after=30), "hosts.'app.test'.idle_after: Expected a duration such as 90s"),
        (host(idle_after="0s"), "hosts.'app.test'.idle_after: Expected a duration"),
        (host(idle_afer="3m"), "unknown key 'idle_afer'; did you mean 'idle_after'?"),
        (host(docker={"container": "../x"}), "hosts.'app.test'.docker.container: "),
        (host(docker={"contaner": "x"}), "hosts.'app.test'.docker: unknown key 'contaner'; did you mean 'container'?"),
        ({"hosts": {}, "webhooks": [{"url": "http://x"}, {"url": "http://x"}]}, "webhooks[1].url: is given twice"),
        ({"hosts": {}, "webhooks": [{"url": "http://x:99999/s3cret"}]}, "webhooks[0].url: names no host, or no port; expected https://HOST/…"),
        ({"hosts": {}, "webhooks": [{"url": "http:///x"}]}, "webhooks[0].url: names no host"),
        ({"hosts": {}, "webhooks": [{"url": "http://[::bad/x"}]}, "webhooks[0].url: names no host"),
        ({"hosts": {}, "webhooks": [{"url": "http://x", "kinds": ["woken", "wokn"]}]}, "webhooks[0].kinds[1]: 'wokn' is none of wake_requested, "),
        (host(gate="vist"), "hosts.'app.test'.gate: 'vist' is none of visit, click, chess, open, closed"),
        (host(sleep="suspend"), "hosts.'app.test'.sleep: this upstream can pause or stop"),
        (host(url=None), "hosts.'app.test'.url: is missing"),
        (host(url="ftp://app"), "hosts.'app.test'.url: expected http://NAME:PORT"),
        (host(url="http://app:80/x"), "hosts.'app.test'.url: expected http://NAME:PORT"),
        (host(url="http://app:x"), "hosts.'app.test'.url: "),
        (host(url="http://a b:80"), "hosts.'app.test'.url: expected http://NAME:PORT"),
        (host(url="http://a/b:80"), "hosts.'app.test'.url: expected http://NAME:PORT"),
        (host(url="http://a`b"), "hosts.'app.test'.url: expected http://NAME:PORT"),
        (host(url="http://app:0"), "hosts.'app.test'.url: expected http://NAME:PORT"),
        (host(url="http://app:65536"), "hosts.'app.test'.url: Port out of range"),
        ({"hosts": {"a.test": {"url": "http://a", "command": {"start": ["a\0"], "stop": ["b"], "status": ["c"]}}}}, "hosts.'a.test'.command.start[0]: "),
        ({"hosts": {"a.test": {"url": "http://a", "command": {"start": ["a"], "stop": ["\ud800"], "status": ["c"]}}}}, "hosts.'a.test'.command.stop[0]: "),
        ({"hosts": {".".join(["a" * 57] * 4): APP}}, "231 characters; files are named so, 230 are possible"),
        (host(command={"start": ["a"], "stop": ["b"], "status": ["c"]}), "exactly one of docker, gce, command; has docker and command"),
        ({"hosts": {"app.test": {"url": "http://a"}}}, "exactly one of docker, gce, command; has none"),
        (host(aliases=["*.test"]), "hosts.'app.test'.aliases[0]: '*.test' is not a hostname"),
        (host(aliases=["APP.test"]), "hosts.'app.test'.aliases: 'app.test' is the host's own name; remove it here"),
        (host(ready={"status": "x"}), "hosts.'app.test'.ready.status: Expected a whole number or a list or nothing, got text"),
        (host(ready={"status": []}), "hosts.'app.test'.ready.status: Expected a list of length >= 1"),
        (host(activity={"count_statuses": []}), "hosts.'app.test'.activity.count_statuses: Expected a list of length >= 1"),
        (host(activity={"ignore_paths": [""]}), "hosts.'app.test'.activity.ignore_paths[0]: Expected text of length >= 1"),
        (host(activity={"ignore_agents": [""]}), "hosts.'app.test'.activity.ignore_agents[0]: Expected text of length >= 1"),
        (host(aliases=["b.test", "b.test"]), "hosts.'app.test'.aliases: 'b.test' is given twice; remove it here"),
        (host(url="http://app:http"), "'http://app:http'; expected http://NAME:PORT"),
        (host(ready={"path": "x"}), "hosts.'app.test'.ready.path: "),
        ({"hosts": {"x.asleep": APP}}, "a name can't end in asleep or draining"),
        ({"hosts": {"waitroom": APP}}, "a name can't end in asleep or draining"),
        ({"hosts": {"a.test": APP, "b.test": APP}}, "hosts.'b.test': shares its container app with hosts.'a.test'"),
        ({"hosts": {"a.test": APP, "b.test": {**APP, "docker": {"container": "b", "group": ["app"]}}}},
         "hosts.'b.test': shares its container app with hosts.'a.test'"),
        ({"hosts": {"a.test": APP, "A.test": APP}}, "hosts.'A.test': the host 'a.test' is given twice; remove one"),
        (host(aliases={"b.test": "nowhere"}), "hosts.'app.test'.aliases.'b.test': expected http://"),
        ({"gce": GCE, "hosts": {"a.test": {**VM, "aliases": {"b.test": "http://b:80"}}}},
         "hosts.'a.test'.aliases.'b.test': the apps of a VM have one address"),
        ({"hosts": {"a.test": {**APP, "docker": {"container": "b", "group": ["b"]}}}},
         "hosts.'a.test'.docker: one of its containers is given twice"),
        ({"hosts": {"vm.test": VM}}, "hosts.'vm.test'.gce: the file needs `gce: {project: …}`"),
        ({"gce": GCE, "hosts": {"vm.test": {**VM, "gce": {**VM["gce"], "project": "other-one"}}}}, "only one project"),
        ({"gce": GCE, "hosts": {"vm.test": {"gce": VM["gce"]}}}, "hosts.'vm.test'.port: is missing"),
        ({"gce": GCE, "hosts": {"vm.test": {**VM, "url": "http://x"}}}, "hosts.'vm.test'.url: a VM's address"),
        ({"gce": GCE, "hosts": {"vm.test": {**VM, "traefik": {"entry_points": ["web"]}}}}, "hosts.'vm.test'.traefik: is for a router of its own"),
        ({"gce": GCE, "hosts": {"vm.test": {**VM, "address": "a b"}}}, "hosts.'vm.test'.address: expected internal, external"),
        ({"gce": {**GCE, "require_label": "waitroom"}, "hosts": {"vm.test": VM}}, "gce.require_label: "),
        ({"gce": GCE, "hosts": {"a.test": VM, "b.test": {**VM, "port": 81}}}, "hosts.'b.test': shares its upstream with hosts.'a.test'"),
        (host(port=80), "hosts.'app.test'.port: is for a VM of gce"),
        (host(address="external"), "hosts.'app.test'.address: is for a VM of gce"),
        (host(allow=["10.0.0.1/8"]), "hosts.'app.test'.allow[0]: 10.0.0.1/8 has host bits set"),
        (host(tokens=["secret"]), "hosts.'app.test'.tokens[0]: expected a digest, as `python -m waitroom token` prints it"),
        (host(work=0), "hosts.'app.test'.work: "),
        (host(budget={"wakes": 5}), "hosts.'app.test'.budget: unknown key 'wakes'"),
        (host(budget={"awake_a_day": "5h"}), "budget: unknown key 'awake_a_day'; did you mean 'awake_per_day'?"),
        ({"budget": {"wake_per_day": 5}, "hosts": {}}, "budget: unknown key 'wake_per_day'; did you mean 'wakes_per_day'?"),
        (host(budget={"pause": "5"}), "hosts.'app.test'.budget.pause: Expected a duration"),
        ({"budget": {"wakes_at_once": 0}, "hosts": {}}, "budget.wakes_at_once: "),
        ({"defaults": {"idle": "1h"}, "hosts": {}}, "defaults: unknown key 'idle'"),
    ],
)  # fmt: skip
def test_names_the_path_of_each_fault(document: object, fault: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(document)
    assert fault in str(error.value)


@pytest.mark.parametrize(
    "url", ["http://app:1", "https://app", "http://10.0.0.5:8080", "http://[::1]:80", "http://my_app-1.net:65535"]
)  # fmt: skip
def test_takes_a_url_of_a_name_or_an_address(url: str) -> None:
    assert parse(host(url=url)).hosts["app.test"].url == url


@pytest.mark.parametrize(
    ("document", "key"),
    [
        (host(docker={"container": "app\n"}), "container"),
        (host(docker={"container": "app", "group": ["db\n"]}), "group"),
        (host(ready={"path": "/\n"}), "path"),
        (host(tokens=["0" * 64 + "\n"]), "tokens"),
        (host(page={"title": "App\n"}), "title"),
        (host(page={"colour": "#0a7d55\n"}), "colour"),
        ({"gce": GCE, "hosts": {"vm.test": {**VM, "gce": {**VM["gce"], "zone": "a\n"}}}}, "zone"),
        ({"gce": {"project": "my-project\n"}, "hosts": {}}, "project"),
        ({"gce": {**GCE, "require_label": "a=b\n"}, "hosts": {}}, "require_label"),
        ({"hosts": {}, "webhooks": [{"url": "http://x\n"}]}, "url"),
    ],
)
def test_a_line_break_at_the_end_is_part_of_no_name(document: object, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"\.{key}"):
        parse(document)


# In YAML ten lines make such a list, by their anchors.
NESTED: list[Any] = []
for _ in range(40):
    NESTED = [NESTED, NESTED]


@pytest.mark.parametrize("key", ["idle_after", "awake", "gate", "budget", "page", "aliases"])
def test_a_fault_does_not_show_what_has_no_end(key: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(host(**{key: NESTED}))
    assert len(str(error.value)) < 200


def test_a_vm_has_the_project_and_the_label_of_the_file_and_its_own_address() -> None:
    gce = {**GCE, "require_label": "waitroom=true"}
    [host] = parse({"gce": gce, "hosts": {"vm.test": VM}}).hosts.values()
    assert host.url is None
    assert host.upstream == GceUpstream(
        project="my-project", zone="asia-southeast2-a", instance="erp-1",
        port=1, address="", require_label=None,
    )  # fmt: skip
    assert isinstance(host.upstream, GceUpstream)
    assert (host.upstream.port, host.upstream.address) == (8080, "internal")
    assert host.upstream.require_label == ("waitroom", "true")


def test_a_price_may_stand_at_a_host_or_in_the_defaults() -> None:
    prices = {"cost_per_hour": 15000, "currency": "IDR"}
    [mine] = parse({"defaults": prices, "hosts": {"a.test": APP}}).hosts.values()
    assert (mine.cost_per_hour, mine.currency) == (15000.0, "IDR")


@pytest.mark.parametrize(
    "price", [{"cost_per_hour": -1}, {"cost_per_hour": "x"}, {"cost_per_hour": float("nan")},
              {"cost_per_hour": float("inf")}, {"currency": "usd"}, {"currency": "USD\n"}]
)  # fmt: skip
def test_a_price_that_is_none_is_a_fault(price: dict[str, Any]) -> None:
    [key] = price
    with pytest.raises(ConfigError, match=key):
        parse(host(**price))


def test_reports_the_faults_of_all_hosts_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        parse({"hosts": {"a.test": {**APP, "gate": "x"}, "b.test": {}, "c.test": APP}})
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172800), ("1d1s", 86401)]
)  # fmt: skip
def test_reads_durations_as_people_write_them(text: str, seconds: int) -> None:
    assert Duration.parse(text).total_seconds() == seconds


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner)))  # fmt: skip
def test_any_document_gives_a_registry_or_a_fault(document: object) -> None:
    for whole in (document, {"hosts": document}, {"hosts": {"app.test": document}}):
        try:
            assert isinstance(parse(whole), Registry)
        except ConfigError as error:
            assert str(error)  # noqa: PT017 - either is right, a traceback is not


def test_a_name_of_digits_is_no_port() -> None:
    assert parse({"hosts": {"7": APP}}).find("7:80")


@given(st.text())
def test_a_normalised_name_is_safe_as_a_file_name_and_in_a_rule(text: str) -> None:
    name = normalise(text)
    if name is not None:
        assert normalise(name) == name
        assert not set(name) & set("/\\`*\0 \n")
        assert not name.startswith((".", "_", "-"))


def test_reads_windows_and_says_where_one_is_wrong() -> None:
    registry = parse(
        host(awake=["mon-fri 08:00-18:00 Asia/Jakarta"], closed="daily 00:00-06:00 UTC")
    )
    assert len(registry.hosts["app.test"].awake) == 1
    assert len(registry.hosts["app.test"].closed) == 1
    with pytest.raises(ConfigError, match=r"hosts\.'app\.test'\.awake: .*Asia/Jakarta"):
        parse(host(awake="mon-fri 08:00-18:00 Jakarta"))


def test_suggests_no_key_of_another_mapping() -> None:
    with pytest.raises(ConfigError) as error:
        parse(host(budget={"wakes": 5}))
    assert "awake" not in str(error.value)
