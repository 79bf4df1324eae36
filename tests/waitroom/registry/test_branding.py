"""An operator's own page: what hosts.yaml may say of it, and that nobody suffers for it."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waitroom import check
from waitroom.errors import ConfigError
from waitroom.pages import page
from waitroom.pages.samples import samples
from waitroom.registry.branding import DARK_PAPER, LIGHT_PAPER, Branding, contrast, paint
from waitroom.registry.document import parse
from waitroom.registry.hosts import Registry
from waitroom.registry.page_keys import LOGO_BYTES
from waitroom.view import State, View

PNG = b"\x89PNG\r\n\x1a\n"
AT = datetime(2026, 1, 2, tzinfo=UTC)


def registry(folder: Path, defaults: object = None, **keys: object) -> Registry:
    app = {"docker": {"container": "app"}, "url": "http://app:80", **keys}
    return parse({"defaults": defaults or {}, "hosts": {"app.test": app}}, folder)


def render(brand: Branding, language: str = "en") -> str:
    view = View(host="app.test", state=State.ASLEEP, since=AT)
    return page.render(view, language, token="t", automatic=True, nonce="n", brand=brand)


@given(st.binary(min_size=3, max_size=3))
def test_any_colour_is_made_readable_on_both_papers(rgb: bytes) -> None:
    for paper in (LIGHT_PAPER, DARK_PAPER):
        painted = paint(f"#{rgb.hex()}", paper)
        assert contrast(painted.colour, paper) >= 4.5
        assert contrast(painted.colour, painted.label) >= 4.5


def test_a_readable_colour_stays_as_it_is() -> None:
    assert paint("#22304f", LIGHT_PAPER).colour == "#22304f"


def test_the_papers_are_those_of_the_style() -> None:
    assert f"--paper: {LIGHT_PAPER}" in render(Branding())
    assert f"--paper: {DARK_PAPER}" in render(Branding())


def test_title_logo_colour_and_message_are_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    keys = {
        "title": "Guest <book>",
        "logo": "logo.svg",
        "colour": "#ffd400",
        "message": {"en": "Call us", "id": "Hubungi kami"},
    }
    brand = registry(tmp_path, page=keys).hosts["app.test"].page
    html = render(brand)
    assert "Guest &lt;book&gt;</bdi>" in html
    assert "Asleep · Guest &lt;book&gt;</title>" in html
    assert 'src="data:image/svg+xml;base64,' in html
    assert brand.light
    assert f"--button: {brand.light.colour}" in html
    assert "Call us" in html
    assert "Hubungi kami" in render(brand, "id")


def test_a_host_keeps_what_the_defaults_say_of_the_page_and_changes_the_rest(
    tmp_path: Path,
) -> None:
    found = registry(
        tmp_path, {"page": {"title": "House", "message": "Hello"}}, page={"title": "App"}
    )
    brand = found.hosts["app.test"].page
    assert (brand.title, brand.message("id")) == ("App", "Hello")


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"page": {"logo": "none.png"}}, "page.logo: "),
        ({"page": {"logo": "text.png"}}, "is neither SVG nor PNG"),
        ({"page": {"logo": "large.png"}}, f"more than {LOGO_BYTES} bytes"),
        ({"page": {"colour": "red"}}, "page.colour: "),
        ({"page": {"colour": "#12345"}}, "page.colour: "),
        ({"page": {"template": "nowhere"}}, "page.template: there is no folder"),
        ({"page": {"message": {"xx": "?"}}}, "page.message: there is no language 'xx'"),
        ({"page": {"color": "#ffffff"}}, "did you mean 'colour'?"),
        ({"lang": "xx"}, "lang: there is no language 'xx', only en, id"),
    ],
)
def test_a_fault_is_named_by_its_path(tmp_path: Path, keys: dict[str, object], fault: str) -> None:
    (tmp_path / "text.png").write_text("GIF89a")
    (tmp_path / "large.png").write_bytes(PNG + bytes(LOGO_BYTES))
    with pytest.raises(ConfigError, match=r"^hosts\.'app\.test'") as error:
        registry(tmp_path, **keys)
    assert fault in str(error.value)


def test_with_the_largest_logo_it_still_fits_into_the_first_14_kilobytes(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG + os.urandom(LOGO_BYTES - len(PNG)))
    brand = registry(tmp_path, page={"logo": "logo.png"}).hosts["app.test"].page
    # 2 KB are left for what the gate adds.
    assert len(gzip.compress(render(brand, "id").encode(), 6)) < 12_000


def test_a_template_changes_a_block_of_ours(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '{% extends "ours/page.html" %}{% block title %}Mine{% endblock %}'
    )
    brand = registry(tmp_path, page={"template": "."}).hosts["app.test"].page
    assert "<title>Mine</title>" in render(brand)
    assert '<form id="wake"' in render(brand)


@pytest.mark.parametrize(
    "text", ["{% if %}", "{{ nothing.there }}", "{{ 1 / 0 }}", '{% extends "page.html" %}']
)
def test_a_broken_template_shows_ours_and_is_a_finding_and_one_line_in_the_log(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "page.html").write_text(text)
    hosts = registry(tmp_path, page={"template": "."})
    brand = hosts.hosts["app.test"].page
    assert render(brand) == render(Branding())
    render(brand)
    assert len(caplog.records) == 1
    [finding] = check.templates(Path("hosts.yaml"), hosts)
    assert finding.startswith("hosts.yaml: hosts.'app.test'.page.template: ")


def test_a_good_template_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('{% extends "ours/page.html" %}')
    assert list(check.templates(tmp_path, registry(tmp_path, page={"template": "."}))) == []


def test_the_samples_show_every_state_and_refusal() -> None:
    shown = {view.scene for view in samples("app.test", AT).values()}
    assert shown >= set(State)
