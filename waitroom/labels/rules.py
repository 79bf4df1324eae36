"""The names in a rule of Traefik's.

Pure. Read as Traefik 3.7 reads it, also with the syntax of v2: a rule is an expression of Go, of
matchers that are joined by `&&`, `||`, `!` and brackets, with texts in backticks or double quotes.
"""

from __future__ import annotations

import re

_TEXT = r'(?:`[^`]*`|"(?:[^"\\\n]|\\.)*")'
_MATCHER = rf"(?P<matcher>[A-Za-z]+)\s*\(\s*(?P<texts>{_TEXT}(?:\s*,\s*{_TEXT})*)\s*,?\s*\)"
_TOKEN = re.compile(rf"\s*(?:{_MATCHER}|(?P<sign>&&|\|\||[!()]))\s*")
_TEXTS = re.compile(_TEXT)


def hosts(rule: str) -> list[str]:
    """List the names that lead to its router; none of a rule that Traefik can't read either.

    A name below a `!` is one of those that do not.
    """
    found: list[str] = []
    denied = [False]  # for each bracket that is open
    denies = False
    end = 0
    while token := _TOKEN.match(rule, end):
        end = token.end()
        if token["matcher"]:
            if token["matcher"].lower() in ("host", "hostheader") and denies == denied[-1]:
                found += [text[1:-1] for text in _TEXTS.findall(token["texts"])]
            denies = False
        elif token["sign"] == "!":
            denies = not denies
        elif token["sign"] == "(":
            denied.append(denies != denied[-1])
            denies = False
        elif token["sign"] == ")" and len(denied) > 1:
            denied.pop()
    return found if end == len(rule) and len(denied) == 1 else []
