"""Who may speak, and how often: API keys and a rate for each caller."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from qwen3tts.errors import BusyError, InputError, Qwen3TTSError

log = logging.getLogger("qwen3tts")

API_KEYS_VARIABLE = "QWEN3TTS_API_KEYS"
"""Of the environment: keys, where no file gives them."""

SHORTEST_SECRET, LONGEST_SECRET = 16, 512
"""In characters. A shorter one can be guessed: nothing slows down who tries."""

REFILL_SECONDS = 60.0
"""In which an empty bucket fills: rates are a minute's."""

MOST_BUCKETS = 100_000
"""Callers that are remembered at once, some 20 MB of them. One more, and whoever has been quiet longest is forgotten."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET = re.compile(r"[!-~]*")


class AccessError(Qwen3TTSError):
    """The caller gave no key, or a wrong one."""


class Access:
    """Lets callers in, or not.

    api_keys: name -> secret; none lets everybody in. requests_per_minute: of a key, or without keys of an address; None is no
    limit. A caller that was quiet for a minute may send a minute's requests at once. clock: seconds that never go back.
    """

    def __init__(
        self, api_keys: Mapping[str, str], requests_per_minute: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._digests = {name: _digest(secret) for name, secret in api_keys.items()}
        self._rate, self._clock = requests_per_minute, clock
        # Tokens left and when that was, by caller, the one that came last at the end.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def needs_key(self) -> bool:
        """Whether callers have to give a key."""
        return bool(self._digests)

    def check(self, secret: str | None, peer: str) -> str:
        """Admit one request: the name of its key, or its peer where no keys are set.

        secret: what the caller gave, None for nothing. peer: its address, without the port, which changes with every connection.
        Raises AccessError for a missing or wrong key, BusyError for a caller that asks more often than it may.
        """
        try:
            caller = self._holder(secret) if self._digests else peer
            if self._rate is not None:
                self._take(caller, self._rate)
        except Qwen3TTSError as error:
            log.warning("refused a caller", extra={"facts": {"peer": peer, "error": str(error)}})
            raise
        return caller

    def _holder(self, secret: str | None) -> str:
        if not secret:
            raise AccessError("api key is missing: send it as `Authorization: Bearer KEY`")
        given, holder = _digest(secret), None
        # Digests have one length, and every key is compared: the time taken says nothing of any of them.
        for name, digest in self._digests.items():
            if hmac.compare_digest(given, digest):
                holder = name
        if holder is None:
            raise AccessError("api key is wrong: check it, or ask whoever runs this server for one")
        return holder

    def _take(self, caller: str, rate: int) -> None:
        """Take a token out of the caller's bucket, which holds a minute's."""
        now, speed = self._clock(), rate / REFILL_SECONDS
        tokens, then = self._buckets.pop(caller, (float(rate), now))
        tokens = min(float(rate), tokens + (now - then) * speed)
        admitted = tokens >= 1
        self._buckets[caller] = (tokens - admitted, now)
        self._forget(now)
        if not admitted:
            raise BusyError(f"more than {rate} requests a minute: wait, and send fewer", (1 - tokens) / speed)

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full again, which is how those who never came start."""
        while self._buckets:
            quiet = now - next(iter(self._buckets.values()))[1]
            if quiet < REFILL_SECONDS and len(self._buckets) <= MOST_BUCKETS:
                return
            self._buckets.popitem(last=False)


def read_api_keys(file: str | Path) -> dict[str, str]:
    """Name -> secret from a file: NAME=SECRET or a bare SECRET in a line, # begins a comment. Raises InputError."""
    try:
        lines = Path(file).read_text("utf-8").splitlines()
    except OSError as error:
        raise InputError(f"--api-keys {str(file)!r} cannot be read ({error.strerror}): check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"--api-keys {str(file)!r} is not text: give a file with NAME=SECRET in each line") from error
    return _keys((line for line in lines if not line.lstrip().startswith("#")), f"--api-keys {str(file)!r}")


def parse_api_keys(value: str) -> dict[str, str]:
    """Name -> secret from the value of `API_KEYS_VARIABLE`: NAME=SECRET or a bare SECRET, with commas. Raises InputError."""
    return _keys(value.split(","), API_KEYS_VARIABLE)


def _keys(entries: Iterable[str], source: str) -> dict[str, str]:
    """Messages count the keys and never show one."""
    keys: dict[str, str] = {}
    for number, entry in enumerate((entry.strip() for entry in entries if entry.strip()), 1):
        name, secret = (part.strip() for part in entry.split("=", 1)) if "=" in entry else (f"key-{number}", entry)
        if (wrong := _wrong(name, secret)) is not None:
            raise InputError(f"{source}: key {number} {wrong}")
        if name in keys or secret in keys.values():
            raise InputError(f"{source}: key {number} has the name or the secret of one before it: remove one of them")
        keys[name] = secret
    if not keys:
        raise InputError(f"{source} holds no key: put NAME=SECRET into it, or leave it out to ask for none")
    return keys


def _wrong(name: str, secret: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "has a name with other characters than A-Z a-z 0-9 . _ -, or more than 64 of them: rename it"
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        length = f"{len(secret)} characters, not {SHORTEST_SECRET} to {LONGEST_SECRET}"
        return f"has a secret of {length}: make one with `openssl rand -hex 24`"
    if not _SECRET.fullmatch(secret):
        return "has a secret with other characters than visible ASCII, which a header cannot carry: make another"
    return None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
