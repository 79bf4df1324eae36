from __future__ import annotations

import ipaddress
from datetime import date

import pytest

from waitroom.gate.visitors import Pseudonyms, visitor_address

TODAY, TOMORROW = date(2026, 1, 1), date(2026, 1, 2)
TRUSTED = (ipaddress.ip_network("10.0.0.0/8"),)


def test_the_same_network_has_one_name_a_day_and_host() -> None:
    names = Pseudonyms()
    name = names.name("app.test", "192.0.2.7", TODAY)
    assert names.name("app.test", "192.0.2.99", TODAY) == name
    assert names.name("app.test", "::ffff:192.0.2.1", TODAY) == name
    assert names.name("app.test", "198.51.100.7", TODAY) != name
    assert names.name("other.test", "192.0.2.7", TODAY) != name
    assert names.name("app.test", "192.0.2.7", TOMORROW) != name


def test_an_address_that_is_none_has_a_name_too() -> None:
    assert Pseudonyms().name("app.test", "nonsense", TODAY)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "203.0.113.1", "192.0.2.7"),  # a stranger's header is not believed
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "203.0.113.66, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("::ffff:10.0.0.1", "192.0.2.7", "192.0.2.7"),  # as a listener at [::] tells it
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.1"),
    ],
)
def test_takes_the_rightmost_address_that_is_no_proxy(
    peer: str, forwarded_for: str, address: str
) -> None:
    assert visitor_address(peer, forwarded_for, TRUSTED) == address
