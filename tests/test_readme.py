"""README names what there is, and there is what README names."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from sidecar.commands import cli as sidecar
from waitroom.commands import cli as waitroom
from waitroom.kinds import Kind
from waitroom.registry.document import parse
from waitroom.registry.host_keys import HostKeys
from waitroom.registry.values import Gate, Route, Sleep

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
VARIABLE = re.compile(r"WAITROOM_[A-Z_]+[A-Z]")


def test_names_every_variable_and_no_other() -> None:
    known = set(VARIABLE.findall((ROOT / "waitroom" / "registry" / "settings.py").read_text()))
    of_compose = {"WAITROOM_PORT", "WAITROOM_ADMIN_PORT"}
    assert known <= set(VARIABLE.findall(README)) <= known | of_compose


@pytest.mark.parametrize("kind", Kind)
def test_names_every_kind_of_event(kind: Kind) -> None:
    assert re.search(rf"^\|[^|]*`{kind}`", README, re.MULTILINE)


@pytest.mark.parametrize("key", [field.name for field in msgspec.structs.fields(HostKeys)])
def test_names_every_key_of_a_host(key: str) -> None:
    assert re.search(rf"^\| [^|]*`{key}\b", README, re.MULTILINE) or re.search(rf"`{key}`", README)


@pytest.mark.parametrize("value", [*Gate, *Sleep, *Route])
def test_names_every_choice(value: str) -> None:
    assert f"`{value}`" in README


def test_names_every_command() -> None:
    for program, group in (("waitroom", waitroom), ("sidecar", sidecar)):
        for command in group.commands:
            assert f"python -m {program} {command}" in README


def test_names_only_targets_that_make_has() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:`|^ {4})make ([a-z-]+)", README, re.MULTILINE)
    assert {"demo", "test"} <= set(named) <= targets


def test_its_links_lead_to_its_headings() -> None:
    headings = re.findall(r"^#+ (.*)", README, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}
    linked = set(re.findall(r"\]\(#([^)]*)\)", README))
    assert linked
    assert linked <= anchors


def test_its_example_of_hosts_yaml_is_a_good_one() -> None:
    example = re.search(r"^    defaults:.*?(?=\n\S)", README, re.MULTILINE | re.DOTALL)
    assert example
    assert len(parse(yaml.safe_load(example[0])).hosts) == 2


def test_its_example_of_a_vm_is_a_good_one() -> None:
    example = re.search(r"^    gce: .*?(?=\n\S)", README, re.MULTILINE | re.DOTALL)
    assert example
    assert len(parse(yaml.safe_load(example[0])).hosts) == 1


def test_the_override_for_vms_fits_the_compose_file_and_is_named() -> None:
    name = "docker-compose.gce.yml"
    assert f"-f docker-compose.yml -f {name}" in README
    stack, override = (
        yaml.safe_load((ROOT / file).read_text()) for file in ("docker-compose.yml", name)
    )
    for service, keys in override["services"].items():
        assert service in stack["services"]
        [secret] = keys["secrets"]
        assert keys["environment"]["GOOGLE_APPLICATION_CREDENTIALS"] == f"/run/secrets/{secret}"
        assert override["secrets"][secret]["file"].startswith("./credentials/")


def test_the_hosts_yaml_that_compose_uses_is_a_good_one() -> None:
    assert parse(yaml.safe_load((ROOT / "hosts.yaml").read_text())).find("app.localhost")
