"""A hundred containers that announce themselves: how often the engine is asked about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.compose.contained import Many
from tests.compose.engine import Engine
from tests.support import eventually

OF_OTHERS = "/containers/(?!h0.test/)[^/]+/json"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture
def many(engine: Engine, tmp_path: Path) -> Iterator[Many]:
    many = Many(tmp_path, engine)
    yield many
    many.close()


def settled(count: Callable[[], int]) -> int:
    """Return a count when it has been the same for two seconds: of the start's, none is left."""
    last = -1
    while (now := count()) != last:
        last = now
        time.sleep(2)
    return last


def test_the_engine_is_asked_about_all_of_them_at_once_and_once_a_minute(many: Many) -> None:
    room, sidecar = many.asks["waitroom"], many.asks["sidecar"]
    many.start("waitroom", "traefik")
    eventually(many.is_known, within_s=30)
    assert many.lists("waitroom") == 1
    many.start("sidecar")  # now: a host that has no shadow yet it would ask about by itself
    eventually(lambda: many.lists("sidecar") == 1, what="what sleeps is looked at once")
    before = settled(lambda: room.count(OF_OTHERS))
    eventually(lambda: many.lists("waitroom") == 2, within_s=90, what="a minute has passed")
    many.engine.client.api.start("h0.test")
    eventually(lambda: not many.sleeps("h0.test"), what="handed back when it answers")
    assert room.count(OF_OTHERS) == before
    assert sidecar.count(OF_OTHERS) == 0
    assert many.lists("sidecar") <= 2
