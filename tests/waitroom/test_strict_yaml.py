from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom.errors import ConfigError
from waitroom.strict_yaml import read

# Ten lines that stand for a billion: nine of nine of nine…
NINES = [",".join([f"*x{level - 1}"] * 9) for level in range(1, 10)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: !!timestamp soon", "line 1, column 4: 'soon' is no timestamp; in quotes it is text"),
        ("a: 2026-99-99", "line 1, column 4: '2026-99-99' is no timestamp; in quotes it is text"),
        ("a: !!int ''", "line 1, column 4: '' is no int"),
        ("a: !!bool perhaps", "line 1, column 4: 'perhaps' is no bool"),
        ("a: !!float much", "line 1, column 4: 'much' is no float"),
        ("!!int a: 1", "line 1, column 1: 'a' is no int"),
        ("a: !!map b", "line 1, column 4: expected a mapping node, but found scalar"),
        ("a: !!str {b: c}", "line 1, column 4: expected a scalar node, but found mapping"),
        ("a: !!set [b]", "line 1, column 4: the tag 'set' means nothing here; leave it out"),
        ("a: !!omap [b: c]", "line 1, column 4: the tag 'omap' means nothing here"),
        ("a: !!binary aGk=", "line 1, column 4: the tag 'binary' means nothing here"),
        ("a: !mine b", "line 1, column 4: the tag '!mine' means nothing here"),
        ("!!python/object/apply:os.system [x]", "line 1, column 1: the tag 'python/object"),
        ("a: {<<: 5}", "line 1, column 9: expected a mapping or list of mappings for merging"),
        ("a: {<<: [5]}", "line 1, column 10: expected a mapping for merging"),
        ("a: {<<: {b: 1}, <<: {b: 2}}", "line 1, column 17: '<<' is given twice"),
        ('a: "\\0"', "line 1, column 4: holds a character that no file"),
        ('"\\ud800": a', "line 1, column 1: holds a character that no file"),
        ("a: " + "[" * 3000, "is nested too deeply"),
    ],
)
def test_what_may_be_misread_is_a_fault_with_its_place(text: str, fault: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(text)
    assert str(error.value).startswith(fault)


def test_what_is_merged_may_be_overridden() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: [*b, *a]}"
    assert read(text) == {"a": {"x": 1, "y": 1}, "b": {"x": 2, "y": 1}, "c": {"x": 2, "y": 1}}


def test_a_mapping_that_is_merged_a_billion_times_is_one() -> None:
    lines = ["x0: &x0 {a: 1}"]
    lines += [f"x{level}: &x{level} {{<<: [{nine}]}}" for level, nine in enumerate(NINES, 1)]
    made = read("\n".join(lines))
    assert isinstance(made, dict)
    assert made["x9"] == {"a": 1}


def test_a_list_that_holds_itself_is_read() -> None:
    made = read("a: &a [*a]")
    assert isinstance(made, dict)
    assert made["a"][0] is made["a"]


@given(st.text(alphabet="a1:-[]{}&*!<>|'\" \n\\0.~=", max_size=40))
def test_any_text_is_read_or_a_fault_of_one_line(text: str) -> None:
    try:
        read(text)
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is right, a traceback is not
