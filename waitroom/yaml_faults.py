"""What PyYAML finds wrong, in the words of who edits the file, with its way out. Pure."""

from __future__ import annotations

import yaml

# Of PyYAML's words, the first that fits; what is not here is told as it stands.
_WAYS_OUT = {
    r"found character '\t'": "indent with spaces, not with tabs",
    "found character": "put the text in quotes",
    "expected alphabetic or numeric character": "put what begins with * or & in quotes",
    "expected <block end>": "look at the indentation, here and in the lines above",
    "mapping values are not allowed here": "look at the indentation, or quote what holds `: `",
    "could not find expected ':'": "write `key: value`",
    "found another document": "a file holds one; remove `---`",
    "got '<stream end>'": "a bracket above is not closed",
    "found '<stream end>'": "something above is not closed",
    "unexpected end of stream": "a quotation mark above is not closed",
}


def plain(error: yaml.YAMLError) -> str:
    """Say what is wrong, where, as an editor counts, and what to do, in one line."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        first, *_ = str(error).splitlines()
        return f"is not YAML: {first}"
    mark = error.problem_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}"
    if isinstance(error, yaml.constructor.ConstructorError):
        return f"{where}: {error.problem}"
    problem = error.problem or ""
    hint = next((f"; {way}" for words, way in _WAYS_OUT.items() if words in problem), "")
    return f"{where}: is not YAML: {problem.removeprefix('but ')}{hint}"
