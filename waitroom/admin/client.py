"""The admin listener of the waiting room that runs, as the operator's commands speak to it."""

from __future__ import annotations

import os
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click
import requests

from waitroom import direct
from waitroom.admin import assertions
from waitroom.errors import WaitroomError
from waitroom.registry.settings import Settings

_ANSWERS_S = 15.0
_PAUSE_S = 0.5
# Longer than a stop may take, and a wake by default; a host's `ready.timeout` may be longer still.
_PATIENCE_S = 900.0


class AdminClient:
    """The admin listener of the waiting room that runs. Raises: WaitroomError."""

    def __init__(self, by: str) -> None:
        """Speak for the operator of this name."""
        settings = Settings.from_environment(os.environ)
        self._secret_file = settings.secret_file
        self._secret = _secret(settings.secret_file)
        self._by = by
        host, _, port = settings.admin_listen.rpartition(":")
        host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - where it listens
        self._url = f"http://{host}:{port}"
        self._session = direct.session()

    def post(self, host: str, action: str, **form: str) -> dict[str, Any]:
        """Order something; return `text`, and `at` of a sleep. Raises: WaitroomError."""
        return self._ask("POST", f"/hosts/{quote(host, safe='')}/{action}", form)

    def follow(self, host: str, path: str) -> None:
        """Wait for what becomes of it, and say what happens meanwhile.

        `path`: `outcome/...` under the host. Raises: WaitroomError when nothing came of it.
        """
        said, deadline = "", time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            outcome = self._ask("GET", f"/hosts/{quote(host, safe='')}/{path}", {})
            if outcome["done"]:
                if not outcome["ok"]:
                    raise WaitroomError(outcome["text"])
                click.echo(outcome["text"])
                return
            if outcome["text"] != said:
                said = outcome["text"]
                click.echo(said, err=True)
            time.sleep(_PAUSE_S)
        raise WaitroomError(f"{host}: no end of it yet; the waiting room goes on")

    def _ask(self, method: str, path: str, form: dict[str, str]) -> dict[str, Any]:
        body = urlencode(form).encode()
        order = assertions.canonical(method, path, body)
        headers = {
            "Authorization": f"Bearer {assertions.issue(self._secret, self._by, order)}",
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            answer = self._session.request(
                method, self._url + path, data=body, headers=headers, timeout=_ANSWERS_S
            )
            told: dict[str, Any] = answer.json()
            text = str(told["text" if answer.ok else "detail"])
        except (requests.RequestException, KeyError, TypeError) as error:
            raise WaitroomError(
                f"no waiting room answers at {self._url} ({type(error).__name__}); start"
                " `python -m waitroom`, or name another (WAITROOM_ADMIN_LISTEN)"
            ) from None
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise WaitroomError(
                f"{self._secret_file} is not the secret of the waiting room at {self._url};"
                " WAITROOM_SECRET_FILE must be the same for both"
            )
        if not answer.ok:
            raise WaitroomError(text)
        return told


def _secret(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WaitroomError(
            f"{path}: {error.strerror}; the waiting room makes it when it first starts,"
            " and who can read it is an operator (WAITROOM_SECRET_FILE)"
        ) from None
