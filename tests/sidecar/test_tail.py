"""The tail: each line once, whatever happens to the file. Tests are named by the condition."""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import itertools
import lzma
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sidecar.log import siblings
from sidecar.log.positions import Position
from sidecar.log.sources import PlainFile, Source, Stamp
from sidecar.tail import Tail

_numbers = [itertools.count(1)]  # anew for each test, so that its bytes are the same each time


def lines(count: int) -> list[bytes]:
    """Lines that are all different, as the log's are."""
    return [b'{"line":%d}\n' % next(_numbers[0]) for _ in range(count)]


class Log:
    """A log, its writer (who keeps the file open as Traefik does), and the reader."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "access.log"
        self.written: list[bytes] = []
        self.read_lines: list[bytes] = []
        self.clock = 0.0
        self.writer = -1
        self.reopen()
        self.tail = self.new_tail()

    def new_tail(self, positions: list[Position] | None = None, **options: Any) -> Tail:
        self.tail = Tail(
            self.path, positions or [], block_bytes=4096, monotonic=lambda: self.clock, **options
        )
        return self.tail

    def reopen(self) -> None:
        """What USR1 makes Traefik do."""
        self.stop()
        self.writer = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def stop(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = -1

    def write(self, count: int = 5) -> None:
        for line in lines(count):
            os.write(self.writer, line)
            self.written.append(line)

    def write_raw(self, data: bytes) -> None:
        os.write(self.writer, data)

    def rename(self, name: str = "access.log.1") -> Path:
        return self.path.rename(self.path.with_name(name))

    def copytruncate(self, name: str = "access.log.1") -> Path:
        copy = Path(shutil.copy(self.path, self.path.with_name(name)))
        os.truncate(self.path, 0)
        return copy

    def read(self) -> list[bytes]:
        """Read all there is now."""
        for _ in range(3):  # a truncation met while reading is understood at the next look
            self.tail.look()
            while (block := self.tail.read()) is not None:
                self.read_lines += bytes(block.lines).splitlines(keepends=True)
        return self.read_lines

    def restart(self) -> None:
        """A new process with the positions that were committed."""
        positions = msgspec.convert(
            msgspec.json.decode(msgspec.json.encode(self.tail.positions())), list[Position]
        )
        self.tail.close()
        self.new_tail(positions)

    def is_exact(self) -> bool:
        return sorted(self.read()) == sorted(self.written)

    def held(self) -> int:
        """How many files of the folder the reader has open."""
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        folder = str(self.path.parent)
        return sum(str(link.readlink()).startswith(folder) for link in links) - (self.writer >= 0)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    _numbers[0] = itertools.count(1)
    made = Log(tmp_path)
    yield made
    made.stop()
    made.tail.close()


# 1. After a rename Traefik writes on to the old file until it is told to reopen.


def test_rename_with_a_late_reopen(log: Log) -> None:
    log.write()
    log.read()
    log.rename()
    log.write()
    assert log.is_exact()
    log.clock += 3600  # quiet for long, but somebody has it open
    log.read()
    log.write()
    log.reopen()
    log.write()
    assert log.is_exact()
    assert log.held() == 1
    assert not log.tail.losses.gaps


def test_rename_without_any_reopen(log: Log) -> None:
    log.write()
    log.rename()
    for _ in range(3):
        log.write()
        assert log.is_exact()
        log.restart()
    assert not log.tail.losses.gaps


class SilentFile(PlainFile):
    """A file of somebody else: the kernel gives us no lease on it."""

    def is_abandoned(self) -> None:
        return None


def test_rename_where_the_kernel_does_not_tell_who_writes(log: Log) -> None:
    log.new_tail(open_source=SilentFile)
    log.write()
    log.read()
    log.rename()
    log.reopen()
    log.write()
    assert log.is_exact()
    assert log.held() == 2
    log.clock += 61
    log.read()
    assert log.held() == 1


def test_half_a_line_is_waited_for_after_a_restart_where_the_kernel_does_not_tell_who_writes(
    log: Log,
) -> None:
    log.new_tail(open_source=SilentFile)
    log.write()
    log.read()
    old = log.rename()
    [line] = lines(1)
    log.write_raw(line[:7])
    positions = log.tail.positions()
    log.tail.close()
    log.new_tail(positions, open_source=SilentFile)
    log.read()
    log.write_raw(line[7:])
    log.written.append(line)
    assert log.is_exact()
    log.clock += 61
    log.read()
    assert log.held() == 0
    assert old.exists()


def test_a_finished_file_that_grows_again_is_read_on(log: Log) -> None:
    log.write()
    log.read()
    old = log.rename()
    log.reopen()
    log.write()
    log.read()
    [late] = lines(1)
    with old.open("ab") as file:
        file.write(late)
    log.written.append(late)
    assert log.is_exact()


# 2. Inodes are reused as a rule.


def test_inode_reuse_while_down(log: Log) -> None:
    for _ in range(20):
        log.write()
        log.read()
        log.restart()
        log.tail.close()
        log.stop()
        log.path.unlink()
        log.reopen()  # on most file systems the inode that has just become free
        log.write(7)
        log.new_tail(log.tail.positions())
    assert log.is_exact()


def test_inode_reuse_with_a_file_of_the_same_size(log: Log) -> None:
    log.write()
    log.read()
    inode, size = log.path.stat().st_ino, log.path.stat().st_size
    positions = log.tail.positions()
    log.tail.close()
    log.stop()
    log.path.unlink()
    log.reopen()
    while log.path.stat().st_size < size:
        log.write(1)
    positions[0].inode = log.path.stat().st_ino
    assert inode
    log.new_tail(positions)
    assert log.is_exact()


# 3. Truncation to any size.


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 50])
def test_truncation_and_new_lines(log: Log, count: int) -> None:
    log.write()
    log.read()
    os.truncate(log.path, 0)
    log.write(count)
    assert log.is_exact()
    assert len(log.tail.losses.gaps) == 1


def test_truncation_with_copies_again_and_again(log: Log) -> None:
    for number in range(5):
        log.write()
        log.read()
        log.write()
        log.copytruncate(f"access.log.{number}")
        log.write(3)
        assert log.is_exact()


# 4. copytruncate: the copy is read on from the old position.


@pytest.mark.parametrize("read_before", [True, False])
def test_copytruncate_with_lines_unread(log: Log, *, read_before: bool) -> None:
    log.write()
    if read_before:
        log.read()
    log.write()
    log.tail.look()
    log.copytruncate()
    log.write()
    assert log.is_exact()


def test_copytruncate_while_down(log: Log) -> None:
    log.write()
    log.read()
    log.write()
    log.copytruncate()
    log.write()
    log.restart()
    assert log.is_exact()


def test_copytruncate_and_compression_before_the_next_look(log: Log) -> None:
    log.write()
    log.read()
    log.write()
    copy = log.copytruncate()
    pack(copy, ".gz", gzip.compress)
    log.write()
    assert log.is_exact()


def test_a_copy_without_truncation_is_not_read(log: Log) -> None:
    log.write()
    log.read()
    shutil.copy(log.path, log.path.with_name("access.log.1"))
    log.write()
    assert log.is_exact()
    log.restart()
    assert log.is_exact()
    shutil.copy(log.path, log.path.with_name("access.log.1"))
    assert log.is_exact()


# 5. Several rotations between two looks, or while down; compressed files; deleted files.


@pytest.mark.parametrize("down", [True, False])
def test_several_rotations_between_two_looks(log: Log, *, down: bool) -> None:
    log.write()
    log.read()
    for number in range(3, 0, -1):
        log.write()
        log.rename(f"access.log.{number}")
        log.reopen()
    log.write()
    if down:
        log.restart()
    assert log.is_exact()
    log.restart()
    assert log.is_exact()


def pack(path: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    path.with_name(path.name + suffix).write_bytes(compress(path.read_bytes()))
    path.unlink()


def zstd(data: bytes) -> bytes:
    """As the program zstd does."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def zstd_in_frames(data: bytes) -> bytes:
    """As `cat a.zst b.zst` and parallel compressors leave it."""
    half = len(data) // 2
    return zstd(data[:half]) + zstd(data[half:])


COMPRESSIONS = [
    pytest.param(".gz", gzip.compress, id="gz"),
    pytest.param(".xz", lzma.compress, id="xz"),
    pytest.param(".bz2", bz2.compress, id="bz2"),
    pytest.param(".zst", zstd, id="zst"),
    pytest.param(".zst", zstd_in_frames, id="zst in two frames"),
]
compressions = pytest.mark.parametrize(("suffix", "compress"), COMPRESSIONS)


@compressions
def test_compressed_while_down(log: Log, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    log.write(2000)
    log.read()
    log.write(2000)
    log.restart()
    log.tail.close()
    pack(log.rename(), suffix, compress)
    log.reopen()
    log.write()
    assert log.is_exact()
    log.restart()
    assert log.is_exact()


@compressions
def test_compressed_after_it_was_read(
    log: Log, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    log.write()
    log.read()
    old = log.rename()
    log.reopen()
    log.write()
    log.read()
    pack(old, suffix, compress)
    log.write()
    assert log.is_exact()
    log.restart()
    assert log.is_exact()


@compressions
def test_a_half_written_compressed_file_beside_its_source(
    log: Log, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    log.write(500)
    log.read()
    old = log.rename()
    log.reopen()
    packed = compress(old.read_bytes())
    half = old.with_name("access.log.1" + suffix)
    half.write_bytes(packed[: len(packed) // 2])
    assert log.is_exact()
    half.write_bytes(packed)
    old.unlink()
    assert log.is_exact()
    log.restart()
    assert log.is_exact()


def test_renumbered_files_are_known(log: Log) -> None:
    for _ in range(4):
        log.write()
        for number in (3, 2, 1):
            path = log.path.with_name(f"access.log.{number}")
            if path.exists():
                path.rename(log.path.with_name(f"access.log.{number + 1}"))
        log.rename()
        log.reopen()
        log.restart()
        assert log.is_exact()


def test_what_was_rotated_before_the_first_start_is_passed_over(log: Log) -> None:
    log.write()
    log.rename()
    log.reopen()
    before = len(log.written)
    log.write()
    log.new_tail(skip_rotated=True)
    assert log.read() == log.written[before:]
    log.restart()
    assert log.read() == log.written[before:]
    log.tail.take_skipped()
    assert log.is_exact()


def test_deleted_while_down_is_said(log: Log) -> None:
    log.write()
    log.read()
    log.restart()
    log.stop()
    log.path.unlink()
    log.reopen()
    log.write()
    assert log.is_exact()
    assert len(log.tail.losses.gaps) == 1


def test_a_file_that_turns_up_later_is_read_on(log: Log) -> None:
    log.write()
    log.read()
    log.write()
    log.restart()
    away = log.path.parent / "away"
    log.path.rename(away)
    log.reopen()
    log.write()
    log.read()
    assert len(log.tail.losses.gaps) == 1
    log.restart()
    away.rename(log.path.with_name("access.log.1"))
    pack(log.path.with_name("access.log.1"), ".gz", gzip.compress)
    assert log.is_exact()


def end_is_missing(packed: bytes) -> bytes:
    return packed[:-200]


def last_byte_is_missing(packed: bytes) -> bytes:
    return packed[:-1]


def middle_is_damaged(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return (
        packed[:middle]
        + bytes(byte ^ 0xFF for byte in packed[middle : middle + 64])
        + packed[middle + 64 :]
    )


@compressions
@pytest.mark.parametrize("damage", [end_is_missing, last_byte_is_missing, middle_is_damaged])
def test_a_compressed_file_that_is_not_whole_is_said_once_and_read_when_it_is(
    log: Log,
    suffix: str,
    compress: Callable[[bytes], bytes],
    damage: Callable[[bytes], bytes],
) -> None:
    log.write(2000)
    log.read()
    log.write(2000)
    log.restart()
    log.tail.close()
    old = log.rename()
    whole = compress(old.read_bytes())
    packed = old.with_name(old.name + suffix)
    old.unlink()
    packed.write_bytes(damage(whole))
    log.reopen()
    log.new_tail(log.tail.positions())
    for _ in range(5):
        log.read()
    assert len(log.tail.losses.gaps) == 1
    packed.write_bytes(whole)
    assert log.is_exact()


def test_deleted_while_held_is_read_to_its_end(log: Log) -> None:
    log.write()
    log.read()
    log.path.unlink()
    log.write()
    assert log.is_exact()
    log.reopen()
    log.write()
    assert log.is_exact()
    assert not log.tail.losses.gaps
    assert log.held() == 1


# 6. A power loss shortens the log below the position (the times are the caller's to compare).


def test_a_log_that_lost_its_end_is_read_again_behind_what_was_counted(log: Log) -> None:
    log.write(10)
    log.read()
    size = log.path.stat().st_size
    os.truncate(log.path, size // 2)
    log.write(20)
    log.read()
    assert len(log.tail.losses.gaps) == 1
    assert set(log.written[10:]) <= set(log.read_lines)


# 7. Torn, glued, unended and over-long lines.


def test_a_line_written_in_pieces(log: Log) -> None:
    for line in lines(3):
        for byte in line:
            log.write_raw(bytes([byte]))
            log.read()
        log.written.append(line)
    assert log.is_exact()


def test_a_last_line_without_its_end(log: Log) -> None:
    log.write()
    log.write_raw(b'{"line":0}')
    assert log.is_exact()
    log.rename()
    log.reopen()
    log.written.append(b'{"line":0}')
    assert log.is_exact()
    log.restart()
    assert log.is_exact()


@pytest.mark.parametrize("size", [4096, 5000, 20_000])
def test_an_overlong_line_is_passed_over(log: Log, size: int) -> None:
    log.write()
    log.write_raw(b"x" * (size // 2))
    log.read()
    log.write_raw(b"x" * (size // 2))
    log.read()
    log.restart()
    log.read()
    log.write_raw(b"\n")
    log.write()
    assert log.is_exact()
    assert log.tail.losses.overlong == 1


def test_an_overlong_line_at_the_end_of_a_finished_file(log: Log) -> None:
    log.write()
    log.write_raw(b"x" * 10_000)
    log.rename()
    log.reopen()
    log.write()
    assert log.is_exact()
    assert log.tail.losses.overlong == 1
    assert log.held() == 1


# 9. and more: what is no file to read.


def refusing(name: str) -> Callable[[Path], Source]:
    """Open files, but for one that is not ours to read."""

    def open_source(path: Path) -> Source:
        if path.name == name:
            raise PermissionError(errno.EACCES, "Permission denied")
        return siblings.open_source(path)

    return open_source


def test_a_log_that_may_not_be_read_is_a_fault(log: Log) -> None:
    log.new_tail(open_source=refusing("access.log"))
    log.write()
    assert log.read() == []
    assert log.tail.fault == "Permission denied"


@pytest.mark.parametrize(("first_start", "gaps"), [(True, 0), (False, 1)])
def test_a_rotated_file_that_may_not_be_read_is_a_gap_once(
    log: Log, *, first_start: bool, gaps: int
) -> None:
    log.rename()
    log.reopen()
    log.write()
    log.new_tail(open_source=refusing("access.log.1"), skip_rotated=first_start)
    assert log.is_exact()
    assert len(log.tail.losses.gaps) == gaps
    assert log.tail.fault is None


def test_a_missing_file_is_a_fault_until_it_is_there(log: Log) -> None:
    log.stop()
    log.path.unlink()
    assert log.read() == []
    assert log.tail.fault
    log.reopen()
    log.write()
    assert log.is_exact()
    assert log.tail.fault is None


def test_a_folder_made_anew(log: Log) -> None:
    log.write()
    log.read()
    log.stop()
    shutil.rmtree(log.path.parent)
    log.read()
    log.path.parent.mkdir()
    log.reopen()
    log.write()
    assert log.is_exact()
    assert log.tail.fault is None


def test_a_log_mounted_as_a_single_file_is_refused(log: Log) -> None:
    siblings.demand_folder(log.path)
    other = log.path.with_name("mounted log")
    other.touch()
    mount = 'mount --bind "$1" "$2" && exec "$3" -c "$4" "$2"'
    demand = "import pathlib, sys; from sidecar.log import siblings as s; s.demand_folder(pathlib.Path(sys.argv[1]))"
    made = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mount, "sh", log.path, other, sys.executable, demand],  # noqa: S607 - on every Linux
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if "unshare" in made.stderr or "permission denied" in made.stderr:
        pytest.skip("this kernel lets nobody mount")
    assert "mount its folder" in made.stderr


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_no_regular_file_is_a_fault(log: Log, make: Callable[[Path], None]) -> None:
    log.stop()
    log.path.unlink()
    make(log.path)
    assert log.read() == []
    assert log.tail.fault


def test_other_files_are_left_alone(log: Log) -> None:
    for name in ("access-app.log", "access.logs", "xaccess.log", "access_2.log"):
        (log.path.parent / name).write_bytes(b'{"line":0}\n')
    log.write()
    assert log.is_exact()


@pytest.mark.parametrize(
    "name",
    ["access.log.1", "access.log-20261123", "access-20261123.log", "access.1.log",
     "access-2026-11-23T00-00-00.000.log", "access.log.2026-11-23"],
)  # fmt: skip
def test_rotated_files_are_found_by_all_their_names(log: Log, name: str) -> None:
    log.write()
    log.rename(name)
    log.reopen()
    log.write()
    assert log.is_exact()


def test_few_of_the_finished_are_remembered(log: Log) -> None:
    for _ in range(110):
        log.write(1)
        old = log.rename()
        log.reopen()
        log.read()
        old.unlink()
    log.read()
    assert len(log.tail.positions()) <= 102
    assert log.held() == 1


@given(data=st.data(), content=st.lists(st.sampled_from([b"a", b'{"', b"\n", b"x" * 70])))
def test_any_chunking_gives_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, content: list[bytes]
) -> None:
    whole = b"first\n" + b"".join(content)
    path = tmp_path_factory.mktemp("log") / "access.log"
    tail = Tail(path, block_bytes=64)
    seen = b""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)))))
    for start, end in itertools.pairwise([0, *cuts, len(whole)]):
        with path.open("ab") as file:
            file.write(whole[start:end])
        tail.look()
        while (block := tail.read()) is not None:
            seen += bytes(block.lines)
    tail.close()
    ended = whole[: whole.rfind(b"\n") + 1].splitlines(keepends=True)
    assert seen == b"".join(line for line in ended if len(line) <= 64)
    assert tail.losses.overlong == sum(len(line) > 64 for line in ended)


def test_a_damaged_file_with_the_inode_of_one_that_was_read_holds_up_nothing(
    tmp_path: Path,
) -> None:
    log, packed = tmp_path / "access.log", tmp_path / "access.log.2.gz"
    log.write_bytes(b"a line\n")
    noise = "".join(hashlib.sha256(b"%d" % number).hexdigest() for number in range(10_000))
    whole = gzip.compress(noise.encode() + b"\n")
    packed.write_bytes(whole[: len(whole) * 3 // 4])
    found = packed.stat()
    known = Position(
        log=str(log), path=str(tmp_path / "access.log.1"), device=found.st_dev, inode=found.st_ino,
        fingerprint="of another", offset=590_000, mark="of another", finished=True,
    )  # fmt: skip
    tail = Tail(log, [known])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        tail.look()
    assert tail.fault is None
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2  # the log, and what is of it
    assert (block := tail.read()) is not None
    assert bytes(block.lines) == b"a line\n"
    tail.close()


def test_a_file_that_can_not_even_be_asked_for_its_state_is_let_go(tmp_path: Path) -> None:
    """As on NFS, when the server has forgotten it."""
    stale = False

    class Remote(PlainFile):
        def read(self, size: int, offset: int) -> bytes:
            if stale:
                raise OSError(errno.ESTALE, "Stale file handle")
            return super().read(size, offset)

        def stamp(self) -> Stamp:
            if stale:
                raise OSError(errno.ESTALE, "Stale file handle")
            return super().stamp()

    log = tmp_path / "access.log"
    log.write_bytes(b"a line\n")
    tail = Tail(log, open_source=Remote)
    tail.look()
    assert tail.read()
    stale = True
    assert tail.read() is None
    assert tail.losses.gaps == [f"{log} can't be read: Stale file handle"]
    tail.close()


def test_a_part_that_can_not_be_read_is_said_once_however_the_log_grows(log: Log) -> None:
    damaged = True

    class OnABadDisk(PlainFile):
        def read(self, size: int, offset: int) -> bytes:
            if damaged and offset:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size, offset)

    log.new_tail(open_source=OnABadDisk)
    log.write()
    log.read()
    for _ in range(3):
        log.write()
        log.read()
    assert log.tail.losses.gaps == [f"{log.path} can't be read: Input/output error"]
    damaged = False
    log.write()
    assert log.is_exact()


def test_a_log_whose_first_line_can_not_be_read_is_a_fault_and_the_others_are_read(
    log: Log,
) -> None:
    log.write()
    log.rename()
    log.reopen()
    log.write_raw(b"on a bad disk\n")

    class OnABadDisk(PlainFile):
        def read(self, size: int, offset: int) -> bytes:
            if self.path == str(log.path):
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size, offset)

    log.new_tail(open_source=OnABadDisk)
    assert log.is_exact()
    assert log.tail.fault == "Input/output error"


def test_a_file_that_was_there_before_us_and_grows_is_read_from_where_it_ended(log: Log) -> None:
    log.write()
    log.rename()
    log.reopen()
    log.new_tail(skip_rotated=True)
    assert log.read() == []
    with log.path.with_name("access.log.1").open("ab") as file:
        file.writelines(more := lines(2))
    assert log.read() == more
    assert not log.tail.losses.gaps


def test_a_file_that_is_removed_while_the_folder_is_listed_is_no_fault(log: Log) -> None:
    ended = threading.Event()
    oldest = log.path.with_name("access.log.9")

    def come_and_go() -> None:
        while not ended.is_set():
            oldest.touch()
            oldest.unlink()

    rotation = threading.Thread(target=come_and_go)
    rotation.start()
    try:
        for _ in range(5000):
            siblings.rotated(log.path)
    finally:
        ended.set()
        rotation.join()
