"""activity.json: whole at any moment, readable by anybody, written by one."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
from tinydb import TinyDB

from sidecar.record.counts import HostCount
from sidecar.record.store import Store
from waitroom.errors import WaitroomError


def count(host: str, requests: int) -> HostCount:
    made = HostCount.none(host)
    made.requests = requests
    return made


def hosts(folder: Path) -> dict[str, int]:
    with TinyDB(folder / "activity.json", access_mode="r") as database:
        return {doc["host"]: doc["requests"] for doc in database.table("hosts")}


def test_what_is_committed_is_read_by_tinydb_and_by_json(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_hosts([count("a.test", 1)])
    store.put_hosts([count("a.test", 2), count("b.test", 3)])
    assert not (tmp_path / "activity.json").exists()
    store.commit()
    store.close()
    assert hosts(tmp_path) == {"a.test": 2, "b.test": 3}
    assert set(json.loads((tmp_path / "activity.json").read_text())) == {
        "hosts",
        "events",
        "hours",
        "positions",
    }


def test_what_was_written_is_replaced_after_a_restart(tmp_path: Path) -> None:
    for requests in (1, 2):
        store = Store(tmp_path)
        assert store.fresh == (requests == 1)
        store.put_hosts([count("a.test", requests)])
        store.commit()
        store.close()
    assert hosts(tmp_path) == {"a.test": 2}


def test_a_large_table_is_written_whole_and_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add_events({"number": number} for number in range(2500))
    store.commit()
    events = json.loads((tmp_path / "activity.json").read_text())["events"]
    assert list(events.items()) == [(str(n + 1), {"number": n}) for n in range(2500)]


def test_a_commit_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_hosts([count("a.test", 1)])
    store.commit()
    (tmp_path / "activity.json.tmp").mkdir()
    store.put_hosts([count("a.test", 2)])
    with pytest.raises(OSError, match=r"activity\.json\.tmp"):
        store.commit()
    store.close()
    assert hosts(tmp_path) == {"a.test": 1}


def test_half_a_file_takes_no_room_on_a_full_disk(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_hosts([count("a.test", 1)] * 100)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, unlimited[1]))
    try:
        with pytest.raises(OSError, match=r"activity\.json"):
            store.commit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert not (tmp_path / "activity.json.tmp").exists()
    store.close()


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"\xff", b'{"hosts": []}', b'{"events": {"1": 5}}']
)
def test_a_damaged_file_is_kept_and_the_last_good_one_used(tmp_path: Path, damage: bytes) -> None:
    store = Store(tmp_path)
    for requests in (1, 2):
        store.put_hosts([count("a.test", requests)])
        store.commit()
    store.close()
    (tmp_path / "activity.json").write_bytes(damage)
    store = Store(tmp_path)
    assert store.damaged
    assert [doc["requests"] for doc in store.documents("hosts")] == [1]
    store.close()
    [kept] = tmp_path.glob("activity.json.damaged-*")
    assert kept.read_bytes() == damage


def test_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(WaitroomError, match="another sidecar"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WaitroomError, match="can't be written"):
        Store(tmp_path / "missing")


def test_the_last_good_file_is_used_by_whoever_comes_after_a_kill(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for requests in (1, 2):
        store.put_hosts([count("a.test", requests)])
        store.commit()
    store.close()
    (tmp_path / "activity.json").write_bytes(b"{")
    Store(tmp_path).close()  # killed before its first commit
    store = Store(tmp_path)
    assert [doc["requests"] for doc in store.documents("hosts")] == [1]
    store.close()
