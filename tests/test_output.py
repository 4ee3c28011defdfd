"""Files that are written whole or not at all."""

import contextlib
import io
import os
import resource
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.errors import OutputError
from qwen3tts.output import OutputFile


@given(st.lists(st.binary(max_size=300), min_size=1))
def test_what_is_written_is_there(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("output") / "file"
    with OutputFile(path) as file:
        for part in parts:
            assert file.write(part) == len(part)
        assert not path.exists()
    assert path.read_bytes() == b"".join(parts)
    assert os.listdir(path.parent) == ["file"]


def test_rewrite(tmp_path: Path) -> None:
    memory = io.BytesIO(b"before")
    memory.seek(0, io.SEEK_END)
    for target in (tmp_path / "file", memory):
        with OutputFile(target) as file:
            file.write(b"0123456789")
            file.rewrite(2, b"ab")
            file.write(b"!")
    assert (tmp_path / "file").read_bytes() == b"01ab456789!"
    assert memory.getvalue() == b"before01ab456789!"


def test_numpy_can_save_into_it(tmp_path: Path) -> None:
    codes = np.arange(32).reshape(2, 16)
    with OutputFile(tmp_path / "codes.npy") as file:
        np.save(file, codes)
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), codes)


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "old").write_bytes(b"old")
    for name in ("old", "new"):
        with pytest.raises(error), OutputFile(tmp_path / name) as file:
            file.write(b"half of it")
            raise error
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


def test_a_disk_that_fills_up_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    with size_limit(1000):
        for name in ("old", "new"):
            with pytest.raises(OutputError, match=name), OutputFile(tmp_path / name) as file:
                file.write(b"x" * 1001)
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


@contextlib.contextmanager
def size_limit(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: the nearest to a full disk that needs no privileges."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_permissions(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"old")
    old.chmod(0o604)
    mask = os.umask(0o027)
    try:
        for name in ("old", "new"):
            with OutputFile(tmp_path / name) as file:
                file.write(b"new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(old.stat().st_mode) == 0o604
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, real = tmp_path / "link", tmp_path / "folder" / "real"
    link.symlink_to(real)
    for content in (b"first", b"second"):
        with OutputFile(link) as file:
            file.write(content)
        assert link.is_symlink() and real.read_bytes() == content


def test_devices_are_written_directly() -> None:
    with OutputFile("/dev/null") as file:
        file.write(b"anything")
        assert not file.rewritable
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OutputError, match="/dev/full: the disk is full"), OutputFile("/dev/full") as file:
        file.write(b"anything")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "folder"),
        (".", "it is a folder"),
        ("none/", "it is a folder"),
        ("none/file", "its folder does not exist"),
        ("file/file", "its folder does not exist"),
        ("x" * 300, "name too long"),
        ("a\0b", "null"),
    ],
)
def test_what_cannot_be_opened(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_bytes(b"old")
    target = os.path.join(tmp_path, name)
    with pytest.raises(OutputError, match=f"(?i){message}") as caught, OutputFile(target):
        raise AssertionError("it was opened")
    assert target in str(caught.value) and "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


def test_without_permission() -> None:
    with tempfile.TemporaryDirectory() as folder, unprivileged(folder):
        protected = Path(folder, "protected")
        protected.write_bytes(b"old")
        protected.chmod(0o400)
        with pytest.raises(OutputError, match="permission denied"), OutputFile(protected) as file:
            file.write(b"new")
        os.chmod(folder, 0o500)
        with pytest.raises(OutputError, match="permission denied"), OutputFile(Path(folder, "new")) as file:
            file.write(b"new")
        os.chmod(folder, 0o700)
        assert protected.read_bytes() == b"old"


@contextlib.contextmanager
def unprivileged(folder: str) -> Iterator[None]:
    """To root nothing is forbidden: be nobody, who owns `folder`, for a while."""
    user = os.geteuid()
    if user == 0:
        os.chown(folder, 65534, -1)
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_borrowed_file_stays_open_and_needs_only_write() -> None:
    class Collector:
        name = "collector"
        content = b""

        def write(self, data: memoryview) -> int:
            """Takes three bytes at a time, as a raw file may."""
            self.content += bytes(data[:3])
            return len(data[:3])

    collector = Collector()
    with OutputFile(collector) as file:
        file.write(b"0123456789")
        assert not file.rewritable
    assert collector.content == b"0123456789"
    memory = io.BytesIO()
    with pytest.raises(KeyError), OutputFile(memory) as file:
        file.write(b"half")
        raise KeyError
    assert not memory.closed
    memory.close()
    with pytest.raises(OutputError, match="the output stream"), OutputFile(memory) as file:
        file.write(b"more")
