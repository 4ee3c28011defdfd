"""Keys and rates: who is let in, who is told to wait, and what a file of keys may hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.errors import BusyError, InputError
from qwen3tts.server import access as module
from qwen3tts.server.access import Access, AccessError, parse_api_keys, read_api_keys

ALICE, BOB = "alice-secret-0123456789", "bob-secret-0123456789"
KEYS = {"alice": ALICE, "bob": BOB}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_keys_everybody_is_their_address():
    access = Access({})
    assert not access.needs_key
    assert access.check(None, "10.0.0.1") == access.check("whatever", "10.0.0.1") == "10.0.0.1"


def test_a_key_is_known_by_its_name():
    access = Access(KEYS)
    assert access.needs_key
    assert [access.check(secret, "10.0.0.1") for secret in (ALICE, BOB)] == ["alice", "bob"]


@pytest.mark.parametrize(
    "secret", [None, "", "x", ALICE[:-1], f"{ALICE} ", ALICE.upper(), "alice", "ключ", "\ud800", "\0" * 10_000]
)
def test_no_key_and_wrong_keys_stay_out(secret):
    with pytest.raises(AccessError, match=r"^api key is (missing|wrong): ") as caught:
        Access(KEYS).check(secret, "10.0.0.1")
    assert ALICE not in str(caught.value)


@given(st.text())
def test_no_text_but_the_key_is_the_key(secret):
    with pytest.raises(AccessError):
        Access({"only": ALICE + "é"}).check(secret, "10.0.0.1")


def test_every_key_is_compared_in_full(monkeypatch):
    compared = []
    compare = module.hmac.compare_digest
    monkeypatch.setattr(module.hmac, "compare_digest", lambda a, b: compared.append((len(a), len(b))) or compare(a, b))
    access = Access(KEYS)
    access.check(ALICE, "10.0.0.1")
    with pytest.raises(AccessError):
        access.check("x", "10.0.0.1")
    assert compared == [(32, 32)] * 4


def test_a_minutes_requests_may_come_at_once_and_then_one_at_a_time():
    clock = Clock()
    access = Access(KEYS, 6, clock)
    for _ in range(6):
        access.check(ALICE, "10.0.0.1")
    with pytest.raises(BusyError) as caught:
        access.check(ALICE, "10.0.0.2")
    assert caught.value.retry_after == pytest.approx(10)
    access.check(BOB, "10.0.0.1")
    clock.now += 9.99
    with pytest.raises(BusyError) as caught:
        access.check(ALICE, "10.0.0.1")
    assert caught.value.retry_after == pytest.approx(0.01)
    clock.now += 0.02
    access.check(ALICE, "10.0.0.1")
    with pytest.raises(BusyError):
        access.check(ALICE, "10.0.0.1")


def test_after_a_quiet_minute_it_is_a_minutes_requests_and_no_more():
    clock = Clock()
    access = Access({}, 3, clock)
    access.check(None, "10.0.0.1")
    clock.now += 3600
    for _ in range(3):
        access.check(None, "10.0.0.1")
    with pytest.raises(BusyError):
        access.check(None, "10.0.0.1")


def test_a_wrong_key_takes_from_nobody():
    access = Access(KEYS, 1, Clock())
    for _ in range(5):
        with pytest.raises(AccessError):
            access.check("wrong", "10.0.0.1")
    assert access.check(ALICE, "10.0.0.1") == "alice"


def test_who_is_refused_is_logged_without_what_it_gave(caplog):
    access = Access(KEYS, 1, Clock())
    access.check(ALICE, "10.0.0.1")
    for secret, peer in (("a-wrong-one", "10.0.0.2"), (None, "10.0.0.3"), (ALICE, "10.0.0.4")):
        with pytest.raises((AccessError, BusyError)):
            access.check(secret, peer)
    assert [record.facts["peer"] for record in caplog.records] == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
    assert not any(secret in str(vars(record)) for record in caplog.records for secret in (ALICE, "a-wrong-one"))


def test_callers_who_have_gone_are_forgotten():
    clock = Clock()
    access = Access({}, 2, clock)
    for number in range(1000):
        access.check(None, f"peer-{number}")
        clock.now += 0.1
    # Six hundred of them came within the last minute.
    assert 599 <= len(access._buckets) <= 601


def test_callers_who_are_remembered_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST_BUCKETS", 10)
    access = Access({}, 1, Clock())
    for number in range(100):
        access.check(None, f"peer-{number}")
    assert len(access._buckets) == 10
    with pytest.raises(BusyError):
        access.check(None, "peer-99")


def test_a_file_of_keys(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# of this server\n\nalice = {ALICE}\n  {BOB}  \n# old={'x' * 20}\nops.eu-1={'=' * 16}\n")
    assert read_api_keys(file) == {"alice": ALICE, "key-2": BOB, "ops.eu-1": "=" * 16}


def test_keys_of_the_environment():
    assert parse_api_keys(f"alice={ALICE},{BOB}, ") == {"alice": ALICE, "key-2": BOB}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no key"),
        ("# nothing\n \n", "holds no key"),
        ("alice=short", "key 1 has a secret of 5 characters"),
        ("alice=", "key 1 has a secret of 0 characters"),
        (f"alice={'x' * 513}", "key 1 has a secret of 513 characters"),
        (f"={ALICE}", "key 1 has a name"),
        (f"a b={ALICE}", "key 1 has a name"),
        (f"alice={ALICE}\nalice={BOB}", "key 2 has the name or the secret"),
        (f"alice={ALICE}\nbob={ALICE}", "key 2 has the name or the secret"),
        (f"alice={ALICE}é", "other characters than visible ASCII"),
        (f"alice={ALICE} {BOB}", "other characters than visible ASCII"),
    ],
)
def test_a_bad_file_of_keys_is_one_line_that_shows_none(tmp_path, content, message):
    file = tmp_path / "keys"
    file.write_text(content)
    with pytest.raises(InputError, match=f"^--api-keys '.*keys'.*{message}") as caught:
        read_api_keys(file)
    assert "\n" not in str(caught.value) and ALICE not in str(caught.value)


def test_a_file_of_keys_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        read_api_keys(tmp_path / "none")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory"):
        read_api_keys(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe" * 20)
    with pytest.raises(InputError, match="is not text"):
        read_api_keys(tmp_path / "binary")


def test_an_environment_without_a_key_does_not_open_the_server():
    with pytest.raises(InputError, match=r"^QWEN3TTS_API_KEYS holds no key"):
        parse_api_keys("")
