from __future__ import annotations

from waitroom.admin.phrases import KINDS
from waitroom.kinds import Kind


def test_every_kind_of_event_has_its_words() -> None:
    assert set(KINDS) == set(Kind)
