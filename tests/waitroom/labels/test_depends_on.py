from __future__ import annotations

import pytest

from waitroom.errors import ConfigError
from waitroom.labels.depends_on import needs, service


def compose(name: str, depends_on: str = "", project: str = "shop") -> dict[str, str]:
    prefix = "com.docker.compose."
    return {
        f"{prefix}project": project,
        f"{prefix}service": name,
        f"{prefix}depends_on": depends_on,
    }


def test_what_compose_wrote_is_who_needs_whom_in_the_order_of_the_starts() -> None:
    found = needs(
        {
            "shop-web-1": compose("web", "db:service_healthy:false,cache:service_started:true"),
            "shop-cache-1": compose("cache"),
            "shop-db-1": compose("db", "cache:service_started:false"),
        }
    )
    assert list(found) == ["shop-cache-1", "shop-db-1", "shop-web-1"]
    assert found["shop-web-1"] == {"shop-db-1": True, "shop-cache-1": False}


def test_each_container_of_a_service_is_needed() -> None:
    found = needs({"web": compose("web", "db:service_healthy:false"), "db-1": compose("db"),
                   "db-2": compose("db")})  # fmt: skip
    assert found["web"] == {"db-1": True, "db-2": True}


def test_who_is_not_of_the_group_is_not_waited_for() -> None:
    web = compose("web", "mail:service_healthy:false,db:service_completed_successfully:false")
    other = compose("db", project="other")
    assert needs({"web": web, "other-db": other}) == {"web": {}, "other-db": {}}


def test_an_app_that_compose_did_not_make_needs_all_the_others() -> None:
    assert needs({"web": {}, "db": {}, "cache": {}}) == {
        "web": {"db": True, "cache": True}, "db": {}, "cache": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("db", "says"),
    [
        ("web:service_started:false", "db needs web needs db"),
        ("db:service_started:false", "db needs db"),
    ],
)
def test_a_circle_is_a_fault(db: str, says: str) -> None:
    group = {"web": compose("web", "db:service_started:false"), "db": compose("db", db)}
    with pytest.raises(ConfigError) as fault:
        needs(group)
    assert says in str(fault.value) or "web needs db needs web" in str(fault.value)


def test_a_container_that_is_to_have_ended_can_be_no_part_of_a_group() -> None:
    web = compose("web", "migration:service_completed_successfully:false")
    with pytest.raises(ConfigError, match="container shop-migration-1 is to have ended"):
        needs({"web": web, "shop-migration-1": compose("migration")})


def test_a_container_is_known_by_its_service() -> None:
    assert service("shop-db-1", compose("db")) == "db"
    assert service("db", {}) == "db"
