"""An operator's own templates."""

from __future__ import annotations

import os
from pathlib import Path

from waitroom.pages import looks


def test_an_edit_of_a_template_is_seen_at_once_and_so_is_one_that_comes_or_goes(
    tmp_path: Path,
) -> None:
    def shown() -> str:
        return looks.render("unregistered.html", tmp_path, {"progress": None})

    mine, picture = tmp_path / "unregistered.html", tmp_path / "picture.html"
    mine.write_text("one {% include 'picture.html' %}")
    picture.write_text("picture")
    assert shown() == "one picture"
    mine.write_text("two {% include 'picture.html' %}")
    os.utime(mine, (1, 1))  # for a file system that counts in whole seconds
    assert shown() == "two picture"
    picture.unlink()
    os.utime(tmp_path, (1, 1))
    assert "<svg" in shown()
    picture.write_text("again")
    os.utime(tmp_path, (2, 2))
    assert shown() == "two again"
