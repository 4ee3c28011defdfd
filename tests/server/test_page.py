"""The page, in a real browser and over a real socket."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from qwen3tts import SamplingParams
from qwen3tts.async_tts import AsyncTTS
from qwen3tts.audio.files import read_audio, to_pcm16
from qwen3tts.server.access import Access
from qwen3tts.server.http.app import create_app
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.settings import Settings
from qwen3tts.server.speech import SpeechService

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium in the PATH")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
FRAMES = 8
KEY = "a-secret/with+signs="
TEXT = "It was a bright cold day in April."

# Of the waveform: in how many columns there is more than a dot, and the colours of its middle row.
DRAWN = """canvas => {
  const { width, height } = canvas;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const row = (y) => {
    const data = context.getImageData(0, y, width, 1).data;
    return [...Array(width).keys()].map((x) => [...data.slice(4 * x, 4 * x + 4)]).filter(([, , , alpha]) => alpha === 255);
  };
  return { columns: row(Math.floor(height / 2) - 8).length, colours: [...new Set(row(Math.floor(height / 2)).map(String))] };
}"""


@pytest.fixture(scope="module")
def serving(hosted) -> Iterator[Callable[..., str]]:
    """Serves a model, and returns the page's address."""
    servers = []

    def serve(access: Access, service: SpeechService = hosted.service) -> str:
        app = create_app(service, Settings(), access, None)
        servers.append(hosted.run(serve_http(app, bind("127.0.0.1:0", "--http-addr"), Settings())))
        return f"http://127.0.0.1:{servers[-1].port}"

    yield serve
    for server in servers:
        hosted.run(server.stop(1))


@pytest.fixture(scope="module")
def address(serving) -> str:
    return serving(Access({}))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser) -> Iterator[Callable[..., Page]]:
    """Opens pages, and checks at the end that none complained or asked another host."""
    complaints, hosts, contexts = [], set(), []

    def open_at(address: str, frames: int | None = FRAMES, **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]) if "://" in request.url else None)
        if frames is not None:
            page.route("**/v1/audio/speech", lambda route: route.continue_(post_data=with_frames(route, frames)))
        page.goto(address)
        page.locator("#text").fill(TEXT)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert all(host.startswith("127.0.0.1:") for host in hosts) and hosts
    # Browsers report an answer of 4xx by themselves.
    assert [
        complaint for complaint in complaints if not complaint.startswith("Failed to load resource: the server responded")
    ] == []


def with_frames(route: Route, frames: int) -> dict[str, Any]:
    """A request of the page's, for so many frames at most: the model of noise knows no end."""
    return {**route.request.post_data_json, "max_frames": frames}


def speak(page: Page) -> None:
    page.locator("#speak").click()
    expect(page.locator("#status")).to_contain_text("Done", timeout=60_000)


def figure(page: Page, name: str) -> float:
    """What the page shows, without its unit."""
    return float(page.locator(f"#{name}").inner_text().split()[0])


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/", "text/html; charset=utf-8"), ("/page.js", "text/javascript; charset=utf-8"), ("/page.css", "text/css; charset=utf-8")],
)
def test_files_come_with_their_types_and_a_strict_policy(address, path, content_type) -> None:
    answer = httpx.get(address + path, trust_env=False)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == content_type
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "http" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "style=" not in answer.text and "http://" not in answer.text.replace("http://www.w3.org", "")
    assert httpx.head(address + path, trust_env=False).status_code == 200


def test_the_page_needs_no_key(serving) -> None:
    address = serving(Access({"me": KEY}))
    assert httpx.get(address, trust_env=False).status_code == 200
    assert httpx.get(address + "/info", trust_env=False).status_code == 401


@needs_chromium
def test_speaks_and_shows_how_well(open_page, address, hosted) -> None:
    page = open_page(address)
    expect(page.locator("#warning")).to_contain_text("makes noise")
    silent = page.locator("#waveform").evaluate(DRAWN)
    page.locator("#seed").fill("7")
    speak(page)
    assert figure(page, "first") > 0 and figure(page, "factor") > 0
    assert figure(page, "audio") == pytest.approx(FRAMES * 0.08)
    assert figure(page, "underruns") >= 0
    drawn = page.locator("#waveform").evaluate(DRAWN)
    assert silent["columns"] == 0 and drawn["columns"] > 30
    # One colour up to the end of the sound, all of which was heard, and one after it.
    assert len(silent["colours"]) == 1 and len(drawn["colours"]) == 2
    with page.expect_download() as download:
        page.locator("#save").click()
    samples, rate = read_audio(io.BytesIO(download.value.path().read_bytes()))
    speaker = page.locator("#voice").input_value()
    tts = hosted.service.model.tts
    audio = tts.synthesize(TEXT, speaker=speaker, sampling=SamplingParams(seed=7), max_frames=FRAMES)
    assert rate == 24000 and np.array_equal(to_pcm16(samples), to_pcm16(audio.samples))


@needs_chromium
def test_sound_is_played_without_a_gap(open_page, address) -> None:
    page = open_page(address)
    # What the page hands to the browser: when each piece begins, and how long it is.
    page.evaluate("""() => {
      window.played = [];
      const start = AudioBufferSourceNode.prototype.start;
      AudioBufferSourceNode.prototype.start = function (when) {
        window.played.push([when, this.buffer.duration, this.buffer.sampleRate, this.context.sampleRate]);
        start.call(this, when);
      };
    }""")
    speak(page)
    played = page.evaluate("() => window.played")
    assert sum(duration for _, duration, *_ in played) == pytest.approx(FRAMES * 0.08)
    assert {rate for _, _, *rates in played for rate in rates} == {24000}
    gaps = [after[0] - before[0] - before[1] for before, after in pairwise(played)]
    assert sum(gap > 1e-6 for gap in gaps) == figure(page, "underruns")
    assert min(gaps, default=0) > -1e-6


@needs_chromium
def test_stop_stops(open_page, address, hosted) -> None:
    page = open_page(address, frames=1500)
    stop = page.locator("#stop")
    expect(stop).to_be_disabled()
    page.locator("#speak").click()
    expect(page.locator("#first")).to_contain_text("ms", timeout=60_000)
    stop.click()
    expect(page.locator("#status")).to_have_text("Stopped.")
    expect(stop).to_be_disabled()
    hosted.eventually(hosted.everything_is_free)


@needs_chromium
def test_ctrl_enter_speaks_and_again_starts_over(open_page, address, hosted) -> None:
    page = open_page(address, frames=1500)
    expect(page.locator("#speak")).to_be_enabled()
    for _ in range(2):
        page.locator("#text").press("Control+Enter")
        expect(page.locator("#status")).to_have_text("Speaking…", timeout=60_000)
    page.locator("#stop").click()
    expect(page.locator("#status")).to_have_text("Stopped.")
    hosted.eventually(hosted.everything_is_free)


@needs_chromium
def test_an_error_is_shown_as_text_at_its_field(open_page, address) -> None:
    page = open_page(address)
    page.locator("#text").fill("")
    page.locator("#speak").click()
    expect(page.locator("#error")).to_contain_text("input is empty")
    expect(page.locator("#text")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#status")).to_have_text("Failed.")
    page.locator("#text").fill(TEXT)
    for seed in ("-1", "seven", str(2**60)):
        page.locator("#seed").fill(seed)
        page.locator("#speak").click()
        expect(page.locator("#error")).to_contain_text(f"{seed}")
        expect(page.locator("#seed")).to_have_attribute("aria-invalid", "true")
    page.locator("#seed").fill("")
    speak(page)
    expect(page.locator("#error")).to_be_hidden()


@needs_chromium
def test_speaks_while_one_types(open_page, address) -> None:
    page = open_page(address)
    page.locator("#text").fill("")
    page.locator("#live").check()
    page.locator("#speak").click()
    expect(page.locator("#speak")).to_have_text("Finish")
    page.locator("#text").press_sequentially("It was a bright cold day ")
    expect(page.locator("#first")).to_contain_text("ms", timeout=60_000)
    page.locator("#text").press_sequentially("in April.")
    page.locator("#text").press("Control+Enter")
    page.locator("#stop").click()
    expect(page.locator("#status")).to_have_text("Stopped.")
    expect(page.locator("#speak")).to_have_text("Speak")


@needs_chromium
def test_asks_for_a_key_and_keeps_it(open_page, serving) -> None:
    page = open_page(serving(Access({"me": KEY})))
    expect(page.locator("#status")).to_have_text("This server asks for an API key.")
    expect(page.locator("#speak")).to_be_disabled()
    page.locator("#key").fill(KEY)
    page.locator("#key").press("Tab")
    speak(page)
    page.reload()
    expect(page.locator("#speak")).to_be_enabled()
    page.locator("#live").check()
    page.locator("#speak").click()
    expect(page.locator("#first")).to_contain_text("ms", timeout=60_000)
    page.locator("#stop").click()
    expect(page.locator("#status")).to_have_text("Stopped.")


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
def test_fits_a_phone_and_a_desk(open_page, address, width) -> None:
    page = open_page(address, viewport={"width": width, "height": 800})
    expect(page.locator("#speak")).to_be_enabled()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    unnamed = "() => [...document.querySelectorAll('input, select, textarea')].filter((field) => !field.labels.length).length"
    assert page.evaluate(unnamed) == 0


@needs_chromium
def test_waits_for_a_server_that_starts(open_page, serving, hosted) -> None:
    service = SpeechService(AsyncTTS.load(device="cpu"), hosted.service.limits)
    page = open_page(serving(Access({}), service))
    expect(page.locator("#status")).to_have_text("The server is starting…")
    hosted.run(service.start(None))
    expect(page.locator("#status")).to_have_text("Ready.", timeout=20_000)
    speak(page)
    hosted.run(service.stop(10))
