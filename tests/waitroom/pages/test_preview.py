"""The preview on the admin listener: every page, and nothing on it acts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.waitroom.fakes import a_host
from tests.waitroom.operated import Operated
from waitroom.pages.samples import samples


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    host = a_host(page={"title": "Guest book"}, lang="id")
    return Operated(tmp_path, host).reader()


@pytest.mark.parametrize("name", samples("x", datetime.now(UTC)))
def test_shows_every_page_as_its_host_has_it(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/preview/{name}?host=app.test")
    assert answer.status_code == 200
    assert 'lang="id"' in answer.text
    assert "Guest book" in answer.text
    assert "script" not in answer.headers["Content-Security-Policy"]


def test_lists_links_that_lead_somewhere(client: FlaskClient) -> None:
    links = re.findall(r'href="([^"]+)"', client.get("/preview").text)
    assert len(links) == 2 * len(samples("x", datetime.now(UTC)))
    assert client.get(links[0].replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize("path", ["/preview/nothing", "/preview/asleep?lang=xx"])
def test_what_there_is_not_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
