"""What both /metrics say agrees with the record, and nothing in them is a visitor's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.gce.server import Fault, Gce, Metadata
from tests.integration.local import HOST, ROOT, Local
from tests.integration.vm import VmStack
from tests.support import eventually, free_port, missing

MONITORING = ROOT / "monitoring"
README = (ROOT / "README.md").read_text()
# Queries that nothing answers while all is well, or without a VM.
SELDOM = re.compile(r"==|>|failed|doubts|refused|called_off|gce_calls|awake_left")
NAME = re.compile(r"\b(?:waitroom|process)_[a-z_]+")
PROBES = {  # what the server of tests/gce calls it, as the API's reference calls it
    "get": "instances.get",
    "list": "instances.list",
    "start": "instances.start",
    "stop": "instances.stop",
    "operation": "zoneOperations.get",
}


class Scraped:
    """Both processes' metrics at one moment."""

    def __init__(self, stack: Local) -> None:
        sidecar = stack.environment["WAITROOM_SIDECAR_LISTEN"]
        self.texts = {
            "waitroom": _get(f"http://127.0.0.1:{stack.admin_port}/metrics"),
            "sidecar": _get(f"http://{sidecar}/metrics"),
        }
        self.families = {
            part: list(text_string_to_metric_families(text)) for part, text in self.texts.items()
        }

    def value(self, name: str, part: str | None = None, **labels: str) -> float:
        """The sum of all samples of this name with these labels."""
        return sum(
            sample.value
            for each in ([part] if part else self.families)
            for family in self.families[each]
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def names(self) -> set[str]:
        """Every name that a query may use."""
        suffixes = {
            "counter": ["_total"],
            "histogram": ["_bucket", "_sum", "_count"],
            "summary": ["_sum", "_count"],
        }
        return {
            family.name + suffix
            for families in self.families.values()
            for family in families
            for suffix in suffixes.get(family.type, [""])
        }

    def labels(self, key: str) -> set[str]:
        return {
            sample.labels[key]
            for families in self.families.values()
            for family in families
            for sample in family.samples
            if key in sample.labels
        }


def _get(url: str) -> str:
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return answer.text


def with_metrics(stack: Any) -> Any:
    stack.environment["WAITROOM_SIDECAR_LISTEN"] = f"127.0.0.1:{free_port()}"
    return stack


@pytest.fixture
def stack(local: Local) -> Local:
    return with_metrics(local)


@pytest.fixture
def vm(tmp_path: Path, gce: Gce, metadata: Metadata) -> Iterator[VmStack]:
    stack = with_metrics(VmStack(tmp_path, gce, metadata))
    yield stack
    stack.close()


def wake(stack: Local) -> None:
    eventually(lambda: stack.get().headers.get("X-Waitroom") == "asleep", what="found stopped")
    stack.wake()


def test_agree_with_the_record_after_a_wake_and_a_sleep(stack: Local) -> None:
    stack.start()
    wake(stack)
    agent, address = "a visitor's own agent/7", "203.0.113.7"
    for host in (HOST, "stranger.test"):
        stack.get("/a-secret-path", host, headers={"User-Agent": agent, "X-Forwarded-For": address})
    eventually(lambda: stack.events("slept"), within_s=25, what="it sleeps")
    eventually(lambda: _host(stack)["waiting"] > 0 and _host(stack)["requests"] > 0)
    eventually(lambda: Scraped(stack).value("waitroom_log_lag_seconds") < 5)

    scraped, host = Scraped(stack), _host(stack)
    for field in ("requests", "activity", "waiting"):
        assert scraped.value(f"waitroom_{field}_total", host=HOST) == host[field]
    [totals] = stack.activity()["totals"].values()
    assert scraped.value("waitroom_log_lines_total") == totals["lines"]
    assert scraped.value("waitroom_log_unregistered_lines_total") == totals["unregistered"] > 0
    assert scraped.value("waitroom_log_lag_bytes") == 0
    assert scraped.value("waitroom_commit_seconds_count") > 0
    assert scraped.value("waitroom_recording") == 1

    [woken], [slept] = stack.events("woken"), stack.events("slept")
    [requested] = stack.events("wake_requested")
    gate = {"host": HOST, "gate": requested["gate"]}
    assert scraped.value("waitroom_wakes_requested_total", **gate) == 1
    assert scraped.value("waitroom_wakes_total", **gate, outcome="ready") == 1
    assert scraped.value("waitroom_wake_seconds_sum", host=HOST) == woken["took_s"]
    assert scraped.value("waitroom_sleeps_total", host=HOST) == 1
    called_off = Counter(event["reason"] for event in stack.events("sleep_called_off"))
    for reason, count in called_off.items():
        assert scraped.value("waitroom_sleeps_called_off_total", reason=reason) == count
    assert scraped.value("waitroom_host_state", host=HOST, state="asleep") == 1
    assert scraped.value("waitroom_host_state", host=HOST, state="ready") == 0
    awake_s = scraped.value("waitroom_awake_seconds_total", host=HOST)
    assert slept["idle_s"] < awake_s
    assert scraped.value("waitroom_awake_seconds_total") == Scraped(stack).value(
        "waitroom_awake_seconds_total"
    )

    assert scraped.labels("host") == {HOST}
    labels = documented()
    for families in scraped.families.values():
        for sample in (sample for family in families for sample in family.samples):
            if sample.name.startswith("waitroom_"):
                assert set(sample.labels) - {"le"} == labels[base(sample.name)], sample.name
    for text in scraped.texts.values():
        for secret in (agent, address, "secret-path", "stranger", "127.0.0.1"):
            assert secret not in text


def test_show_a_stop_that_fails_and_each_call_to_the_api(vm: VmStack, gce: Gce) -> None:
    gce.faults = [Fault("stop", 403, "forbidden", times=2), Fault("start", 503)]
    vm.start()
    wake(vm)
    eventually(lambda: vm.events("slept"), within_s=60)
    # Whoever is not waited for asks on; what it has been told is counted before it is asked.
    vm.end("traefik")
    eventually(lambda: _calls(vm) == Counter(PROBES[what] for what in gce.said()))
    scraped = Scraped(vm)
    assert scraped.value("waitroom_stops_failed_total", host=HOST, reason="permission") == 2
    assert scraped.value("waitroom_gce_calls_total", "sidecar", method="instances.stop") == 3
    assert scraped.value("waitroom_gce_calls_total", "waitroom", method="instances.start") == 2


def test_every_name_in_dashboard_and_rules_is_one_that_there_is(stack: Local) -> None:
    stack.start()
    known = Scraped(stack).names()
    rules = (MONITORING / "alerts.yml").read_text()
    for text in (rules, (MONITORING / "grafana-dashboard.json").read_text()):
        named = set(NAME.findall(text))
        assert named
        assert named <= known
    assert {name for name in known if name.startswith("waitroom_")} <= set(documented()) | {
        name for name in known if re.search(r"_(sum|count|bucket)$", name)
    }


def test_each_query_asks_for_labels_that_its_metric_has() -> None:
    labels = documented()
    queries = [expression for expression in expressions() if "waitroom_" in expression]
    assert queries
    for query in queries:
        metrics = {base(name) for name in re.findall(r"waitroom_\w+", query)}
        for name, matchers in re.findall(r"(waitroom_\w+)\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= labels[base(name)], query
        grouped = set(", ".join(re.findall(r"by \(([^)]*)\)", query)).split(", ")) - {"", "le"}
        assert grouped <= set().union(*(labels[name] for name in metrics)), query


def test_prometheus_gives_each_panel_an_answer(stack: Local) -> None:
    stack.start()
    wake(stack)
    eventually(lambda: stack.events("slept"), within_s=25, what="it sleeps")
    with prometheus(stack) as ask:
        eventually(lambda: ask("waitroom_sleeps_total") and ask("waitroom_host_state"))
        for expression in expressions():
            ask(resolved(expression))  # no fault
        for expression in expressions():
            if not SELDOM.search(expression):
                eventually(lambda e=expression: ask(resolved(e)), what=expression)  # type: ignore[misc]


def test_each_alert_says_what_to_do() -> None:
    document = yaml.safe_load((MONITORING / "alerts.yml").read_text())
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_panels_ask_the_data_source_that_the_operator_chooses() -> None:
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in dashboard()["panels"]:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["expr"] for target in panel["targets"])


@pytest.mark.parametrize(
    "argv",
    [
        ["check", "rules", "alerts.yml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "alerts_test.yml"],
    ],
)
def test_prometheus_itself_finds_no_fault_with_the_files(argv: list[str]) -> None:
    done = subprocess.run(
        [_program("promtool"), *argv], cwd=MONITORING, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_itself_finds_no_fault_with_a_scrape(stack: Local) -> None:
    stack.start()
    wake(stack)
    for text in Scraped(stack).texts.values():
        done = subprocess.run(
            [_program("promtool"), "check", "metrics"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_sidecar_shows_no_life_while_it_can_not_read_the_log(stack: Local) -> None:
    alive = stack.data / "sidecar.alive"
    stack.start("sidecar")
    eventually(alive.exists)
    eventually(lambda: of_sidecar(stack, "waitroom_recording") == 0, what="no log is there")
    os.utime(alive, (1, 1))
    eventually(lambda: of_sidecar(stack, "waitroom_log_lag_seconds") > 8, what="a beat passed")
    assert alive.stat().st_mtime == 1
    (stack.data / "access.log").touch()
    eventually(lambda: alive.stat().st_mtime > 1, what="it shows life again")
    assert of_sidecar(stack, "waitroom_recording") == 1


def test_a_port_that_is_taken_keeps_nothing_from_being_recorded(stack: Local) -> None:
    stack.environment["WAITROOM_SIDECAR_LISTEN"] = f"127.0.0.1:{stack.port}"
    stack.start()
    wake(stack)
    eventually(lambda: stack.events("woken"))
    assert "WAITROOM_SIDECAR_LISTEN" in stack.log("sidecar")


def test_a_journal_that_can_not_be_written_is_no_health(stack: Local) -> None:
    stack.start("waitroom")
    eventually(lambda: _findings(stack, "healthz") == [])
    (stack.data / "journal.jsonl").unlink(missing_ok=True)
    (stack.data / "journal.jsonl").mkdir()
    for path in ("healthz", "readyz"):
        assert any("journal.jsonl can't be written" in each for each in _findings(stack, path))


def test_a_waiting_room_is_ready_once_traefik_answers(stack: Local) -> None:
    stack.start("waitroom")
    eventually(lambda: _findings(stack, "healthz") == [])
    [finding] = _findings(stack, "readyz")
    assert finding.startswith("WAITROOM_TRAEFIK_URL: Traefik does not answer")
    stack.start("traefik")
    eventually(lambda: _findings(stack, "readyz") == [])


def dashboard() -> dict[str, Any]:
    return dict(json.loads((MONITORING / "grafana-dashboard.json").read_text()))


def expressions() -> list[str]:
    """Every query of the dashboard and the alerts."""
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())
    return [
        *(target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]),
        *(rule["expr"] for group in rules["groups"] for rule in group["rules"]),
    ]


def resolved(expression: str) -> str:
    """What Grafana makes of a query, for all hosts and some minutes."""
    return re.sub(r"\$__\w+", "5m", expression).replace("$host", ".*")


def base(name: str) -> str:
    """The metric of a sample."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def documented() -> dict[str, set[str]]:
    """The labels of each metric, as README has them."""
    rows = re.findall(r"^\| (`waitroom_[^|]*) \| ([^|]*)\|", README, re.MULTILINE)
    return {
        name: set(re.findall(r"\w+", labels))
        for names, labels in rows
        for name in re.findall(r"`(\w+)`", names)
    }


@contextmanager
def prometheus(stack: Local) -> Iterator[Callable[[str], list[Any]]]:
    """Run the real one with our own file, and lend the way to ask it."""
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"]["scrape_interval"] = "1s"
    config["rule_files"] = [str(MONITORING / name) for name in config["rule_files"]]
    own, sidecar = config["scrape_configs"]
    own["static_configs"][0]["targets"] = [f"127.0.0.1:{stack.admin_port}"]
    sidecar["static_configs"][0]["targets"] = [stack.environment["WAITROOM_SIDECAR_LISTEN"]]
    (stack.data / "prometheus.yml").write_text(yaml.safe_dump(config))
    listen = f"127.0.0.1:{free_port()}"
    argv = [
        _program("prometheus"), f"--config.file={stack.data / 'prometheus.yml'}",
        f"--storage.tsdb.path={stack.data / 'tsdb'}", f"--web.listen-address={listen}",
    ]  # fmt: skip

    def ask(query: str) -> list[Any]:
        try:
            asked = {"query": query}
            response = requests.get(f"http://{listen}/api/v1/query", params=asked, timeout=10)
        except requests.ConnectionError:
            return []  # it has only begun
        if response.status_code == requests.codes.unavailable:
            return []  # and is still reading its own files
        answer = response.json()
        assert answer["status"] == "success", (query, answer)
        return list(answer["data"]["result"])

    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        try:
            yield ask
        finally:
            process.terminate()


def of_sidecar(stack: Local, name: str) -> float | None:
    """One metric of the sidecar alone; None while it does not answer."""
    try:
        text = _get(f"http://{stack.environment['WAITROOM_SIDECAR_LISTEN']}/metrics")
    except requests.ConnectionError:
        return None
    [family] = [each for each in text_string_to_metric_families(text) if each.name == name]
    return float(family.samples[0].value)


def _findings(stack: Local, path: str) -> list[str] | None:
    """What it finds wrong, as its status says too; None while nobody answers."""
    try:
        answer = requests.get(f"http://127.0.0.1:{stack.admin_port}/{path}", timeout=10)
    except requests.ConnectionError:
        return None
    findings: list[str] = answer.json()["findings"]
    assert answer.status_code == (503 if findings else 200)
    return findings


def _host(stack: Local) -> dict[str, Any]:
    counts = {doc["host"]: doc for doc in stack.activity()["hosts"].values()}
    return dict(counts.get(HOST, {"waiting": 0, "requests": 0}))


def _calls(stack: Local) -> Counter[str]:
    scraped = Scraped(stack)
    methods = scraped.labels("method")
    return Counter({m: int(scraped.value("waitroom_gce_calls_total", method=m)) for m in methods})


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        missing(f"{name} (Debian: prometheus)")
    assert found
    return found
