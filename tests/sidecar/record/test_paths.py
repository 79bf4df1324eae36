"""Which lines led to nothing that anybody wanted to see."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sidecar.record.paths import CANARY_PATH, odd_ones
from traefik.access_log import Entry
from waitroom.gate.agents import ERRAND_PATHS

_PIECES = st.sampled_from(["", "/", "\n", "x", *ERRAND_PATHS, CANARY_PATH])


@given(st.lists(st.lists(_PIECES, max_size=3).map("".join)))
def test_a_path_is_odd_by_how_it_begins_whatever_stands_in_it(paths: list[str]) -> None:
    entries = [Entry(path=path, start=datetime(2026, 1, 2, tzinfo=UTC)) for path in paths]
    odd = [n for n, path in enumerate(paths) if path.startswith((*ERRAND_PATHS, CANARY_PATH))]
    assert odd_ones(entries) == odd
