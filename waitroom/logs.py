"""How both processes write their log: one line an act, text or JSON, to standard error."""

from __future__ import annotations

import logging
import sys
import time

import msgspec


def set_up(*, json: bool) -> None:
    """Send all log lines of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if json else _Text("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Their own troubles reach us as exceptions; their lines would only say them twice.
    for chatty in ("urllib3", "docker", "watchfiles", "schedule"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


class _Text(logging.Formatter):
    """Times as everywhere: RFC 3339, UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


class _Json(_Text):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()
