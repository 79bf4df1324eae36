"""Open connections, as the kernel tells of them and as psutil does where the kernel does not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from sidecar.sleeping import connections, sock_diag
from sidecar.sleeping.sock_diag import Connection
from tests.support import eventually


def refused(_port: int) -> list[Connection]:
    raise PermissionError


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connected(ends: ExitStack, address: str, to: str) -> tuple[socket.socket, socket.socket]:
    """Return both ends of a new connection; the first is the one that dialled."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = ends.enter_context(
        socket.create_server((address, 0), family=family, dualstack_ipv6=address == "::")
    )
    dialled = ends.enter_context(socket.create_connection((to, server.getsockname()[1])))
    return dialled, ends.enter_context(server.accept()[0])


@pytest.mark.parametrize(
    ("address", "to", "url_host"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("::1", "::1", "[::1]"),
        ("::", "127.0.0.1", "localhost"),
    ],
)
def test_a_connection_counts_until_it_is_closed(
    ends: ExitStack, address: str, to: str, url_host: str
) -> None:
    dialled, _ = connected(ends, address, to)
    url = f"http://{url_host}:{dialled.getpeername()[1]}"
    assert connections.open_to(url) == 1
    dialled.close()
    eventually(lambda: connections.open_to(url) == 0, what="its end shows")


@pytest.mark.parametrize("ask", [sock_diag.to, refused])
def test_one_that_is_being_dialled_is_somebody_who_waits(
    ends: ExitStack, ask: Callable[[int], list[Connection]]
) -> None:
    server = ends.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    ends.enter_context(socket.create_connection(server.getsockname()))  # nobody accepts it
    dialling = ends.enter_context(socket.socket())
    dialling.settimeout(0)
    assert dialling.connect_ex(server.getsockname()) == errno.EINPROGRESS
    here, there = dialling.getsockname(), server.getsockname()
    # A port of ours may be that of a connection to another, which has ended.
    told = [c for c in connections.listed(there[1], ask) if (c.local, c.remote) == (here, there)]
    assert told == [Connection(here, there, is_open=True)]
    assert connections.open_to(f"http://127.0.0.1:{there[1]}") == 2


@pytest.mark.parametrize("ask", [sock_diag.to, refused])
def test_it_is_told_of_by_the_kernel_or_by_psutil(
    ends: ExitStack, ask: Callable[[int], list[Connection]]
) -> None:
    dialled, _ = connected(ends, "127.0.0.1", "127.0.0.1")
    here, there = dialled.getsockname(), dialled.getpeername()
    told = [c for c in connections.listed(there[1], ask) if c.remote == there]
    assert told == [Connection(here, there, is_open=True)]


def test_one_in_ipv6_clothes_leads_to_its_ipv4_address(ends: ExitStack) -> None:
    server = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
    dialled = ends.enter_context(socket.socket(socket.AF_INET6))
    dialled.connect((f"::ffff:{server.getsockname()[0]}", server.getsockname()[1]))
    assert connections.open_to(f"http://127.0.0.1:{server.getsockname()[1]}") == 1


def test_the_kernel_tells_of_many_and_of_no_other_port(ends: ExitStack) -> None:
    server = ends.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1000))
    for _ in range(1000):
        ends.enter_context(socket.create_connection(server.getsockname()))
    connected(ends, "127.0.0.1", "127.0.0.1")
    found = sock_diag.to(server.getsockname()[1])
    assert len({c.local for c in found}) == len(found) == 1000
    assert {c.remote for c in found} == {server.getsockname()}
    assert sock_diag.to(1) == []
