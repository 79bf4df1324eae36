from __future__ import annotations

import pytest

from tests.waitroom.fakes import a_host, a_vm
from waitroom.registry.hosts import Front
from waitroom.upstreams.base import Member, Phase, Status
from waitroom.upstreams.fronts import is_down, serving

TWO = a_host(
    docker={"container": "app", "group": ["Admin", "db"]},
    aliases={"www.test": None, "admin.test": "http://Admin:81", "old.test": "http://Admin:81"},
)
APP = Front(("app.test", "www.test"), "http://app:80")
ADMIN = Front(("admin.test", "old.test"), "http://Admin:81")


def group(**stopped: bool) -> Status:
    names = ("app", "Admin", "db")
    phases = {name: Phase.STOPPED if stopped.get(name) else Phase.RUNNING for name in names}
    return Status(Phase.PARTLY, members=tuple(Member(n, n, phase) for n, phase in phases.items()))


@pytest.mark.parametrize(
    ("status", "fronts"),
    [
        (None, (APP, ADMIN)),
        (Status(Phase.RUNNING), (APP, ADMIN)),
        (Status(Phase.STOPPED), ()),
        (group(db=True), (APP, ADMIN)),
        (group(app=True), (ADMIN,)),
        (group(Admin=True), (APP,)),
        (group(app=True, Admin=True), ()),
    ],
)
def test_only_an_app_whose_container_is_stopped_has_no_visitors(
    status: Status | None, fronts: tuple[Front, ...]
) -> None:
    assert serving(TWO, status) == fronts
    if status:
        assert is_down(TWO, status) is (fronts == ())


def test_the_address_that_only_its_provider_knows_is_taken_from_there() -> None:
    running = Status(Phase.RUNNING, url="http://10.0.0.2:8080")
    assert serving(a_vm(), running) == (Front(("app.test",), "http://10.0.0.2:8080"),)
    assert serving(a_vm(), None) == (Front(("app.test",), None),)
