from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom.labels.rules import hosts


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("Host(`a.test`)", ["a.test"]),
        ('Host("a.test")', ["a.test"]),
        ("Host ( `a.test` , `b.test`, )", ["a.test", "b.test"]),
        ("Host(`a.test`) || Host(`b.test`)", ["a.test", "b.test"]),
        ("HOST(`a.test`)&&PathPrefix(`/(x`)", ["a.test"]),
        ("(Host(`a.test`) && Method(`GET`, `POST`)) || ((Host(`b.test`)))", ["a.test", "b.test"]),
        ("HostHeader(`a.test`)", ["a.test"]),
        ("Host(\n  `a.test`\n)", ["a.test"]),
        ("Host(`a.test`) && !Path(`/x`)", ["a.test"]),
        ("Host(`a.test`) && ! Host(`b.test`)", ["a.test"]),
        ("Host(`a.test`) && !(Host(`b.test`) || Host(`c.test`))", ["a.test"]),
        ("!!Host(`a.test`) || !(PathPrefix(`/`) && !Host(`b.test`))", ["a.test", "b.test"]),
        ("HostRegexp(`^.+\\.a\\.test$`) || PathPrefix(`/`)", []),
        ('Header(`X-Of`, `Host("a.test")`)', []),
        ("Host('a.test')", []),  # Traefik refuses this one, and those below
        ("Host(`a.test`", []),
        ("Host(`a.test`) AND Path(`/`)", []),
        ("(Host(`a.test`)", []),
        ("Host()", []),
        ("", []),
    ],
)
def test_names_are_those_that_the_rule_leads_by(rule: str, names: list[str]) -> None:
    assert hosts(rule) == names


@given(st.text(alphabet='Host(`"\\)!&|, \n'))
def test_no_rule_breaks_it(rule: str) -> None:
    assert all(name in rule for name in hosts(rule))


def test_a_long_rule_that_is_broken_at_its_end_is_read_at_once() -> None:
    assert hosts("Host(" + "`a`  , " * 2000) == []
