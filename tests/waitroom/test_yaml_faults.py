from __future__ import annotations

import pytest
import yaml

from waitroom.yaml_faults import plain


def said(text: str) -> str:
    with pytest.raises(yaml.YAMLError) as error:
        yaml.safe_load(text)
    return plain(error.value)


@pytest.mark.parametrize(
    ("text", "where", "way_out"),
    [
        ("a:\n\tb: 1", "line 2, column 1", "indent with spaces, not with tabs"),
        ("a: @b", "line 1, column 4", "put the text in quotes"),
        ("*.test: 1", "line 1, column 2", "put what begins with * or & in quotes"),
        ("a:\n  b: {}\n c: 1", "line 3, column 2", "look at the indentation, here and in the lines above"),
        ("a: b: c", "line 1, column 5", "look at the indentation, or quote what holds `: `"),
        ("a: 1\nb\nc: 2", "line 3, column 1", "write `key: value`"),
        ("a: 1\n---\nb: 1", "line 2, column 1", "a file holds one; remove `---`"),
        ("a: {b: 1", "line 1, column 9", "a bracket above is not closed"),
        ("a: [", "line 1, column 5", "something above is not closed"),
        ("a: 'b", "line 1, column 6", "a quotation mark above is not closed"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_place_and_its_way_out(
    text: str, where: str, way_out: str
) -> None:
    line = said(text)
    assert line.startswith(f"{where}: is not YAML: ")
    assert line.endswith(f"; {way_out}")


@pytest.mark.parametrize("text", ["\0", "a: !b c", "%YAML 9.1\n---\na: 1", "? [a]\n: b"])
def test_any_other_is_one_line_in_the_librarys_words(text: str) -> None:
    assert "unicode string" not in said(text)
    assert "\n" not in said(text)
