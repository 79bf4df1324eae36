"""A sidecar that only records, to be killed at any point: reader.py DATA LOG [release]."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sidecar.record.recorder import Recorder
from waitroom.registry.document import parse

HOSTS = [f"h{number}.test" for number in range(5)]


def open_recorder(data: Path, log: Path, *, release_log: bool = False) -> Recorder:
    """Open it over the hosts of the torture."""
    hosts = {
        name: {
            "command": {"start": [name], "stop": ["b"], "status": ["c"]},
            "url": "http://127.0.0.1:1",
        }
        for name in HOSTS
    }
    return Recorder(
        data=data,
        access_log=log,
        registry=parse({"hosts": hosts}),
        on_canary=lambda _: None,
        release_log=release_log,
    )


def main() -> None:
    recorder = open_recorder(
        Path(sys.argv[1]), Path(sys.argv[2]), release_log="release" in sys.argv
    )
    while True:
        recorder.read()
        recorder.commit()
        time.sleep(0.001)


if __name__ == "__main__":
    main()
