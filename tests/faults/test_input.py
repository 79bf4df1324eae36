"""Whatever bytes stand in the files that people and processes write: an answer or a fault in words.

FAULT_INPUTS=250000 is the long form: a million in all, with tests/waitroom/test_public.py, which
does the same for what strangers send. `fuzz` lets what the code does lead the choice.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.record import events
from traefik import access_log
from waitroom.errors import ConfigError
from waitroom.journal import Journal
from waitroom.registry import config
from waitroom.registry.hosts import Registry

INPUTS = int(os.environ.get("FAULT_INPUTS", "100"))
EXAMPLE = b"""\
defaults: {idle_after: 30m, gate: visit}
hosts:
  app.localhost:
    docker: {container: demo-app}
    url: http://demo-app:8000
    aliases: [www.app.localhost]
    awake: mon-fri 08:00-18:00 Asia/Jakarta
  lab.example.com:
    command: {start: [a], stop: [b], status: [c]}
    url: http://127.0.0.1:9000
    ready: {path: /up, status: [200, 204], timeout: 1m}
"""
WOKEN = b'{"at":"2026-01-01T00:00:00Z","host":"app.test","kind":"woken","took_s":1.5}'
LINE = (
    b'{"DownstreamContentSize":2,"DownstreamStatus":200,"Duration":1000,"RequestCount":1,'
    b'"RequestHost":"app.test","ServiceName":"app@file","StartUTC":"2026-01-01T00:00:00Z"}'
)

many = settings(max_examples=INPUTS, deadline=None, suppress_health_check=list(HealthCheck))
pieces = st.binary(max_size=40) | st.sampled_from(
    [b"\0", b"\n", b"\r", b"\xff", b"\xe2\x80\xa8", b"\x1b[2J", b"&a [*a]", b"!!python/none x", b"<<: *a",
     b"9" * 400, b"-1", b"1e999", b"[" * 5000, b'{"', b"null", b"2026-99-99", b"\\ud800", b"\t", b": ", b"- "]
)  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, text: bytes) -> bytes:
    """The text with some of it replaced."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + draw(pieces) + text[end:]
    return text


@contextlib.contextmanager
def written(text: bytes) -> Iterator[Path]:
    """Put it into a file; no fixture's, since a fuzzer knows none (see `fuzz`)."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(text)
        file.flush()
        yield Path(file.name)


def test_what_is_spoilt_was_whole() -> None:
    with written(EXAMPLE) as path:
        assert len(config.load(path).hosts) == 2
    assert events.parse(WOKEN)
    assert access_log.parse(LINE).entries


@pytest.mark.timeout(60 + INPUTS)
@many
@given(spoilt(EXAMPLE) | st.binary(max_size=200))
def test_any_hosts_yaml_gives_a_registry_or_our_own_error(text: bytes) -> None:
    with written(text) as path, contextlib.suppress(ConfigError):
        assert isinstance(config.load(path), Registry)


@pytest.mark.timeout(60 + INPUTS)
@many
@given(st.lists(spoilt(WOKEN) | st.binary(max_size=200), max_size=4))
def test_any_journal_is_read_by_both_and_costs_no_whole_event(bad: list[bytes]) -> None:
    text = b"\n".join([WOKEN, *bad, WOKEN]) + b"\n"
    with written(text) as path:
        by_room = list(Journal(path).events())
    by_sidecar = [event for line in text.split(b"\n") if (event := events.parse(line))]
    for found in (by_room, by_sidecar):
        assert sum(event == events.parse(WOKEN) for event in found) >= 2


@pytest.mark.timeout(60 + INPUTS)
@many
@given(st.lists(spoilt(LINE) | st.binary(max_size=200), max_size=4))
def test_any_access_log_is_read_and_costs_no_whole_line(bad: list[bytes]) -> None:
    parsed = access_log.parse(b"\n".join([LINE, *bad, LINE]) + b"\n")
    [whole] = access_log.parse(LINE).entries
    assert parsed.entries.count(whole) >= 2
