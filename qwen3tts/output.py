"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from qwen3tts.errors import OutputError


class OutputFile:
    """A binary file to write, as a context manager: it appears under its name when the block ends well, and not at all otherwise.

    target: a path, or an open binary file object, of which only `write` and, where it has one, `flush` are used and which stays
    open. A path is written under another name beside it and renamed at the end, so an error or Ctrl-C leaves what was there before.
    What exists and is no regular file (a pipe, a terminal, /dev/null) is written directly and never replaced.

    Every failure to write raises OutputError naming the target.
    """

    def __init__(self, target: str | Path | BinaryIO) -> None:
        if isinstance(target, (str, os.PathLike)):
            self._borrowed = None
            self.name = os.fspath(target)
        else:
            self._borrowed = target
            self.name = str(getattr(target, "name", "the output stream"))
        self._path = ""
        self._temporary = ""
        self._size = 0

    def __enter__(self) -> OutputFile:
        with self._naming_the_target():
            self._file = self._open() if self._borrowed is None else self._borrowed
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self.flush()
            with self._naming_the_target():
                if self._borrowed is None:
                    self._file.close()
                if self._temporary:
                    # Nothing to copy from a new file, nor on a file system without permissions.
                    with contextlib.suppress(OSError):
                        shutil.copymode(self._path, self._temporary)
                    os.replace(self._temporary, self._path)
        except BaseException:
            self._discard()
            raise

    @property
    def rewritable(self) -> bool:
        """Whether `rewrite` works: on a regular file given by its path and in memory. A standard output may be open to append."""
        return bool(self._temporary) or isinstance(self._file, io.BytesIO)

    def write(self, data: bytes | memoryview) -> int:
        """Append all of `data`; returns its length in bytes."""
        rest = memoryview(data).cast("B")
        length = len(rest)
        self._size += length
        with self._naming_the_target():
            while rest:
                written = self._file.write(rest)
                rest = rest[len(rest) if written is None else written :]
        return length

    def rewrite(self, offset: int, data: bytes) -> None:
        """Put `data` over what was written from byte `offset` on."""
        with self._naming_the_target():
            end = self._file.tell()
            self._file.seek(end - self._size + offset)
            self._file.write(data)
            self._file.seek(end)

    def flush(self) -> None:
        """Hand on what is buffered."""
        with self._naming_the_target():
            if hasattr(self._file, "flush"):
                self._file.flush()

    def _open(self) -> BinaryIO:
        if not os.path.basename(self.name):
            raise IsADirectoryError
        try:
            mode = os.stat(self.name).st_mode
        except FileNotFoundError:
            mode = None
        if mode is not None and not stat.S_ISREG(mode):
            return open(self.name, "wb")
        # Through a symbolic link, the file it points to is replaced, not the link.
        self._path = os.path.realpath(self.name)
        if mode is not None and not os.access(self._path, os.W_OK, effective_ids=True):
            raise PermissionError
        self._temporary = os.path.join(os.path.dirname(self._path), f".{secrets.token_hex(8)}.part")
        return open(self._temporary, "xb")

    def _discard(self) -> None:
        # Closing flushes, which fails again where writing did.
        with contextlib.suppress(OSError):
            if self._borrowed is None:
                self._file.close()
        if self._temporary:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary)

    @contextlib.contextmanager
    def _naming_the_target(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot write to {self.name}: {_reason(error)}") from error


def _reason(error: OSError | ValueError) -> str:
    """What went wrong and what to do about it."""
    if isinstance(error, IsADirectoryError):
        return "it is a folder; give the name of a file"
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return "its folder does not exist; make the folder, or give another place"
    if isinstance(error, PermissionError):
        return "permission denied; give another place"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; make room, or give another place"
    return f"{getattr(error, 'strerror', None) or error}; give another place"
