from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.test import Client

from waitroom.serving.headers import READ_CHARACTERS, shortened


@pytest.mark.parametrize(
    ("name", "sent", "ends"),
    [
        ("Accept", "a/b," * 9000, "a/b,"),
        ("User-Agent", "a" * 30_000, "a"),
        ("User-Agent", "Mozilla/5.0", "Mozilla/5.0"),
        ("X-Forwarded-For", "127.0.0.1," * 3000 + "192.0.2.7", ",192.0.2.7"),
    ],
    ids=lambda text: text[:20],
)
def test_of_what_costs_to_read_no_more_is_read_than_the_honest_write(
    name: str, sent: str, ends: str
) -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ[f"HTTP_{name.upper().replace('-', '_')}"].encode()]

    seen = Client(shortened(application)).get("/", headers={name: sent}).text
    assert len(seen) == min(len(sent), READ_CHARACTERS)
    assert seen.endswith(ends)
