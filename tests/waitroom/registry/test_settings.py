from __future__ import annotations

import pytest

from waitroom.errors import ConfigError
from waitroom.registry.settings import Settings


@pytest.mark.parametrize("address", ["[::]:8080", "[::1]:8080", "localhost:8080", "a_b-1.c:8080"])
def test_an_address_may_be_a_name(address: str) -> None:
    assert Settings.from_environment({"WAITROOM_LISTEN": address}).listen == address


def test_a_url_has_one_form_however_it_is_written() -> None:
    written = {"WAITROOM_TRAEFIK_URL": "http://traefik:80/, HTTPS://traefik:443"}
    found = Settings.from_environment(written).traefik_urls
    assert found == ("http://traefik:80", "https://traefik:443")


def test_every_setting_has_a_default() -> None:
    assert Settings.from_environment({}).traefik_urls == ("http://127.0.0.1:8000",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WAITROOM_LISTEN", "8080"),
        ("WAITROOM_LISTEN", "127.0.0.1:99999"),
        ("WAITROOM_LISTEN", "127.0.0.1:0"),
        ("WAITROOM_LISTEN", "127.0.0.1:٣"),
        ("WAITROOM_ADMIN_LISTEN", ":8081"),
        ("WAITROOM_ADMIN_LISTEN", "127.0.0.1:8080"),  # the public listener's port
        ("WAITROOM_URL", "waitroom:8080"),
        ("WAITROOM_TRUSTED_PROXIES", "everybody"),
        ("WAITROOM_LOG", "xml"),
        ("WAITROOM_RELEASE_LOG", "maybe"),
        ("WAITROOM_LISTEN", "a..b:8080"),
        ("WAITROOM_ADMIN_LISTEN", "::1:8081"),
        ("WAITROOM_ADMIN_LISTEN", "[::1:8081"),
        ("WAITROOM_URL", "http://waitroom:8080/path"),
        ("WAITROOM_TRAEFIK_URL", "http://user@traefik:80"),
        ("WAITROOM_SIDECAR_LISTEN", f"{'x' * 64}:8083"),
        ("WAITROOM_URL", "http://a..b:8080"),
        ("WAITROOM_TRAEFIK_URL", "http://127.0.0.1:80,http://a b:80"),
        ("WAITROOM_TRAEFIK_URL", "ftp://127.0.0.1"),
        ("WAITROOM_TRAEFIK_URL", "http://[::1"),
        ("WAITROOM_HOSTS", ""),
        ("WAITROOM_DATA", ""),
        ("WAITROOM_SECRET_FILE", ""),
        ("WAITROOM_ROUTES", "/routes/\udcff"),
        ("WAITROOM_URL", "http://\udcff:8080"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Settings.from_environment({name: value})


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("WAITROOM_ACESS_LOG", "WAITROOM_ACCESS_LOG"),
        ("WAITROOM_HOST", "WAITROOM_HOSTS"),
        ("WAITROOM_TRAEFIK_URLS", "WAITROOM_TRAEFIK_URL"),
        ("WAITROOM_TRUSTED_PROXY", "WAITROOM_TRUSTED_PROXIES"),
        ("WAITROOM_DOCKER_LABEL", "WAITROOM_DOCKER_LABELS"),
    ],
)
def test_a_misspelt_variable_is_refused_with_what_it_may_have_meant(
    misspelt: str, meant: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{misspelt}: .* did you mean '{meant}'"):
        Settings.from_environment({misspelt: "on"})


def test_what_others_call_by_our_name_is_left_alone() -> None:
    names = (
        "WAITROOM_PORT", "WAITROOM_ADMIN_PORT", "WAITROOM_SERVICE_HOST", "WAITROOM_SERVICE_PORT",
        "WAITROOM_SIDECAR_PORT", "WAITROOM_PORT_8080_TCP_ADDR", "HOSTS", "XWAITROOM_HOSTS",
    )  # fmt: skip
    Settings.from_environment(dict.fromkeys(names, "tcp://10.0.0.1:8080"))
