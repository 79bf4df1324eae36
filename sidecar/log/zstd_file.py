"""A .zst file, read as the standard library reads .gz, .xz and .bz2.

The library's own reader takes a file that was cut off for one that has ended. Lines would be lost
that way without a word, so each frame is followed to its end here.
"""

from __future__ import annotations

from pathlib import Path

import zstandard

# One block unpacks to 128 KiB at most and takes a few bytes at least, so little is read at once.
_PACKED_BYTES = 16 * 1024


class ZstdFile:
    """Unpacked bytes, from front to back; frames may follow each other."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises: OSError."""
        self._file = path.open("rb")
        self._frame: zstandard.ZstdDecompressionObj | None = None  # None: between two
        self._ready = b""  # unpacked already
        self._offset = 0  # of what is returned next

    def read(self, size: int) -> bytes:
        """Return up to so many bytes, b"" at the end.

        Raises: OSError; EOFError where the file was cut off.
        """
        while not self._ready and (packed := self._file.read(_PACKED_BYTES)):
            self._ready = self._unpacked(packed)
        if not self._ready and self._frame is not None:
            raise EOFError("it was cut off")
        data, self._ready = self._ready[:size], self._ready[size:]
        self._offset += len(data)
        return data

    def seek(self, offset: int) -> None:
        """Go there; going back means to unpack again. Raises: as `read`."""
        if offset < self._offset:
            self._rewind()
        while self._offset < offset and self.read(offset - self._offset):
            pass

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._frame, self._ready, self._offset = None, b"", 0

    def _unpacked(self, packed: bytes) -> bytes:
        parts = []
        while packed:
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                parts.append(self._frame.decompress(packed))
            except zstandard.ZstdError as error:
                raise OSError(str(error)) from error
            packed = b""
            if self._frame.eof:
                packed, self._frame = self._frame.unused_data, None
        return b"".join(parts)
