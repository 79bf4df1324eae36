"""Reading all that is in the logs now, once: `python -m sidecar ingest`."""

from __future__ import annotations

import sys
import time

import click

from sidecar.record.recorder import Recorder
from waitroom.errors import WaitroomError

_LONG_BACKLOG_BYTES = 50 << 20  # longer ones show how far they are, where somebody watches


def ingest(recorder: Recorder) -> None:
    """Read all there is, rotated files too, commit, and say in one line what it was.

    Raises: WaitroomError when the log can't be read, or the counts can't be written.
    """
    began = time.monotonic()
    recorder.reading.take_skipped()
    before = recorder.totals()
    _read_all(recorder)
    if not recorder.commit():
        raise WaitroomError("what was read can't be written; nothing is lost, try again")
    if recorder.reading.fault():
        raise WaitroomError("the access log can't be read, see above (WAITROOM_ACCESS_LOG)")
    after = recorder.totals()
    lines, bad = (after[name] - before[name] for name in ("lines", "bad"))
    click.echo(
        f"{lines} lines, {bad} bad, {len(recorder.known.counts())} hosts,"
        f" {time.monotonic() - began:.1f} seconds"
    )


def _read_all(recorder: Recorder) -> None:
    total_bytes = recorder.reading.backlog_bytes()
    if not sys.stderr.isatty() or total_bytes < _LONG_BACKLOG_BYTES:
        while recorder.read():
            pass
        return
    with click.progressbar(length=total_bytes, label="reading", file=sys.stderr) as bar:
        while recorder.read():
            bar.update(max(0, total_bytes - recorder.reading.backlog_bytes() - bar.pos))
        bar.update(total_bytes - bar.pos)
