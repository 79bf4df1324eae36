"""A sidecar that only records, to be killed at any point: reader.py DATA LOG."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sidecar.recorder import Recorder
from waitroom.document import parse

HOSTS = [f"h{number}.test" for number in range(5)]


def open_recorder(data: Path, log: Path) -> Recorder:
    """Open it over the hosts of the torture."""
    hosts = {
        name: {
            "command": {"start": [name], "stop": ["b"], "status": ["c"]},
            "url": "http://127.0.0.1:1",
        }
        for name in HOSTS
    }
    return Recorder(
        data=data, access_log=log, registry=parse({"hosts": hosts}), on_canary=lambda _: None
    )


def main() -> None:
    recorder = open_recorder(Path(sys.argv[1]), Path(sys.argv[2]))
    while True:
        recorder.read()
        recorder.commit()
        time.sleep(0.001)


if __name__ == "__main__":
    main()
