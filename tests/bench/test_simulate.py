"""The simulated GPU beneath the real scheduler: nothing is lost, the same seed gives the same run, and load does what load does."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts.bench import simulate
from qwen3tts.bench.arrivals import arrivals
from qwen3tts.bench.releases import SIZES
from qwen3tts.bench.roofline import planned_frame, released_configs
from qwen3tts.bench.roofline_codec import frame_launches
from qwen3tts.bench.roofline_model import GPUS, Cost
from qwen3tts.bench.simulate import Host, Simulation, Speech
from qwen3tts.bench.simulated import SHARINGS, Clock, Device
from qwen3tts.bench.stage_times import StageTimes, at, measured, predicted
from qwen3tts.engine.graphs import FRAME_BUCKETS
from qwen3tts.engine.profile import PROFILES, load_profile

SAMPLES = 1920
QUICK = StageTimes(
    size="1.7B",
    max_batch=4,
    frames={1: 0.002, 4: 0.003},
    position=1e-7,
    prefills={16: 0.001, 512: 0.004},
    codec={1: 0.0005, 4: 0.001},
    eager=0.002,
    source="made up",
)
"""Of an engine for four."""

HOST = Host(step=3e-4, chunk=3e-5)
SPEECH = Speech(prompt=17, frames=10, limit=20)


@pytest.fixture(scope="module")
def h200():
    return predicted("1.7B", GPUS["H200"], 64)


def simulation(speech=SPEECH, times=QUICK, profile="latency", queue=64, positions=16384, sharing="halves"):
    return Simulation.build(speech, times, load_profile(profile), queue, positions, HOST, sharing)


def report(tmp_path, *options):
    """What a run of the command writes."""
    file = tmp_path / "simulate.json"
    assert simulate.main([*options, "--json", str(file)]) == 0
    return json.loads(file.read_text())


def figures(tmp_path, *options):
    """The values that a run writes, by name."""
    return {result["name"]: result["value"] for result in report(tmp_path, *options)["results"]}


@settings(max_examples=30)
@given(
    st.lists(st.floats(0, 0.5), min_size=1, max_size=30),
    st.integers(1, 30),
    st.integers(0, 20),
    st.sampled_from(PROFILES),
    st.sampled_from(SHARINGS),
    st.integers(0, 8),
)
def test_every_request_is_spoken_whole_or_refused(times, frames, more, profile, sharing, queue):
    # Pages suffice for two of the largest.
    run = simulation(Speech(40, frames, frames + more), profile=profile, sharing=sharing, queue=queue, positions=192)
    run.run(sorted(times))
    assert len(run.requests) == len(times)
    for request in run.requests:
        if request.utterance is None:
            assert request.playback.samples == 0
        else:
            assert request.utterance.finish_reason == ("stop" if more else "length")
            assert request.playback.samples == frames * SAMPLES
            assert 0 < request.playback.began < run.clock.now
    scheduler = run.engine.scheduler
    assert not scheduler.waiting and not scheduler.running
    assert len(scheduler.free_rows) == 4
    assert len(scheduler.pages.free) == scheduler.pages.total - 1
    assert max(run.frames.batches) <= 4
    # A stop takes a frame, and is seen when the next one is on its way.
    spoken = sum(request.utterance is not None for request in run.requests)
    assert frames * spoken <= sum(run.frames.batches) <= (frames + min(more, 2)) * spoken


@pytest.mark.parametrize("sharing", SHARINGS)
def test_first_audio_of_one_alone_is_the_sum_of_its_stages(sharing):
    run = simulation(sharing=sharing)
    run.run([1.0])
    prefill, frame, codec = QUICK.prefill(16), QUICK.frame(1, 17), QUICK.sound(1, 1)
    # The next frame was launched before the first one was waited for.
    beside = {"apart": 0.0, "halves": codec, "turns": QUICK.frame(1, 18)}[sharing]
    assert run.requests[0].playback.began == pytest.approx(HOST.step + prefill + frame + codec + beside + HOST.chunk)


def test_frames_keep_the_gpu_busy_while_the_host_is_faster():
    run = simulation(sharing="apart")
    run.run([0.0])
    frames = sum(QUICK.frame(1, 17 + i) for i in range(SPEECH.frames + 2))
    assert run.clock.now == pytest.approx(
        HOST.step + QUICK.prefill(16) + frames + QUICK.sound(1, 1) + HOST.chunk, abs=2 * HOST.step
    )


@given(st.lists(st.floats(1e-4, 0.01), max_size=4), st.floats(1e-4, 0.01))
def test_sharing_moves_work_and_does_not_lose_it(stream, codec):
    ends = {}
    for sharing in SHARINGS:
        device = Device(Clock(1.0), sharing)
        work = [device.put(seconds) for seconds in stream]
        device.decode(codec)
        assert all(before.end < after.end for before, after in pairwise(work))
        assert device.busy == pytest.approx(sum(stream) + codec)
        ends[sharing] = device.clock.now - 1, (work[-1].end - 1 if work else 0.0)
    total = sum(stream)
    assert ends["apart"] == pytest.approx((codec, total))
    assert ends["turns"] == pytest.approx((total + codec, total))
    assert max(ends["halves"]) == pytest.approx(total + codec)
    assert ends["halves"][0] == pytest.approx(codec + min(codec, total))


def test_the_same_seed_gives_the_same_run(tmp_path):
    options = ("--rps", "30", "--seconds", "2", "--size", "0.6B")
    one, again, other = (report(tmp_path, *options, "--seed", seed) for seed in ("1", "1", "2"))
    assert one["results"] == again["results"]
    assert one["results"] != other["results"]


def test_promise_of_twenty_requests_a_second(tmp_path):
    written = report(tmp_path, "--rps", "20", "--profile", "latency", "--seconds", "15")
    values = {result["name"]: result["value"] for result in written["results"]}
    assert written["bench"] == "simulate"
    assert written["settings"]["stages"] == "predicted stage times of 1.7B on H200"
    assert values["first_audio_ms_p50"] <= values["first_audio_ms_p95"] < 40
    assert values["underruns"] == values["streams_with_underruns"] == values["failed"] == values["rejected"] == 0
    alone = values["prefill_stage_ms"] + values["frame_stage_ms"] + values["codec_stage_ms"]
    assert alone < values["first_audio_ms_p50"]
    assert values["audio_seconds"] == pytest.approx(values["requests"] * 62 * 0.08)
    assert values["real_time_factor"] * values["audio_seconds_per_second"] == pytest.approx(1)
    assert 1 <= values["batch_mean"] <= values["batch_max"] <= 64
    assert 0 < values["device_share"] <= 100


def test_load_beyond_capacity_shows_in_the_line_and_in_refusals(tmp_path, capsys):
    plot = tmp_path / "load.png"
    options = ("--max-batch", "8", "--queue", "16", "--seconds", "4")
    values = figures(tmp_path, "--rps", "5,400", *options, "--plot", str(plot))
    assert plot.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert values["rejected_rps5"] == 0 < values["rejected_rps400"] < values["requests_rps400"]
    assert values["queue_ms_p50_rps5"] < values["queue_ms_p50_rps400"]
    # Most were refused, so the median request was never heard.
    assert values["first_audio_ms_p95_rps400"] is None
    assert values["heard_first_audio_ms_p95_rps400"] > 10 * values["first_audio_ms_p95_rps5"]
    assert values["batch_max_rps400"] == 8
    assert values["failed_rps400"] == 0
    assert "never" in capsys.readouterr().out


def test_a_stream_that_the_gpu_cannot_keep_up_with_underruns():
    slow = replace(QUICK, frames={1: 0.1})
    run = simulation(times=slow)
    run.run([0.0])
    playback = run.requests[0].playback
    assert playback.underruns == SPEECH.frames - 1
    assert playback.stalled > 9 * 0.02


def test_profiles_trade_first_audio_for_fewer_calls(h200):
    first, calls = {}, {}
    for profile in PROFILES:
        run = simulation(Speech(60, 62, 283), h200, profile)
        count = 0

        def counted(*work, decode=run.device.decode):
            nonlocal count
            count += 1
            decode(*work)

        run.device.decode = counted
        run.run(arrivals(40, 5, 0))
        outcomes = run.load(40).first_audio
        first[profile], calls[profile] = sorted(outcomes)[len(outcomes) // 2], count
    assert first["latency"] < first["balanced"] < first["throughput"]
    assert calls["latency"] > calls["balanced"] > calls["throughput"]


@pytest.mark.parametrize("size", SIZES)
def test_predicted_stages_are_those_of_the_roofline(size):
    times = predicted(size, GPUS["H200"], 64)
    config, codec_config = released_configs(size)
    for batch in (16, 64):
        talker, predictor = planned_frame(config, batch, 300, True, None)
        expected = Cost.of(talker + predictor, GPUS["H200"], 1.3e-6).predicted
        assert times.frame(batch, batch * 300) == pytest.approx(expected, rel=1e-3)
    for slots in FRAME_BUCKETS:
        launches = frame_launches(codec_config.decoder_config, slots)
        assert times.sound(slots, 1) == pytest.approx(Cost.of(launches, GPUS["H200"], 1.3e-6).predicted)
    # Lanes are made up to the next bucket.
    assert times.sound(33, 1) == times.sound(48, 1) > times.sound(32, 1)
    assert times.frame(33, 0) == times.frame(48, 0) > times.frame(32, 0)


def test_sizes_in_between_lie_on_a_line_and_those_beyond_are_in_proportion():
    curve = {2: 1.0, 4: 3.0}
    assert [at(curve, size) for size in (1, 2, 3, 4, 8)] == [1.0, 1.0, 2.0, 3.0, 6.0]


def test_several_frames_are_cut_as_the_codec_runner_cuts_them():
    times = replace(QUICK, codec={1: 0.001, 64: 0.064}, eager=0.0)
    assert times.sound(1, 32) == pytest.approx(0.032)
    assert times.sound(1, 40) == pytest.approx(0.032 + 0.008)
    assert replace(times, eager=0.05).sound(20, 3) == pytest.approx(3 * 0.020)
    assert replace(times, eager=0.05).sound(1, 40) == pytest.approx(2 * 0.05)


def gpu_report(**changes):
    """The names that `bench.gpu` gives the stages, in milliseconds."""
    values = {f"1.7B.wide.b{lanes}.frame_ms_p50": 2.0 + 0.01 * lanes for lanes in (1, 16, 64)}
    values |= {"1.7B.wide.b16.frame_ms_at_128": 2.0, "1.7B.wide.b16.frame_ms_at_1024": 2.0 + 16 * 896e-4}
    values |= {"1.7B.prefill_ms_16": 0.5, "1.7B.prefill_ms_512": 2.0}
    values |= {f"codec.b{slots}.run_ms_p50": 0.5 + 0.02 * slots for slots in (1, 8, 64)}
    values |= {name.replace("__", "."): value for name, value in changes.items()}
    return {"bench": "gpu", "results": [{"name": name, "value": value} for name, value in values.items()]}


def test_measured_stages_replace_the_predicted_ones(tmp_path):
    file = tmp_path / "gpu.json"
    file.write_text(json.dumps(gpu_report()))
    times = measured(file, "1.7B", 64)
    assert times.position == pytest.approx(1e-7)
    assert times.frame(16, 16 * 512) == pytest.approx(2.16e-3)
    assert times.prefill(16) == pytest.approx(0.5e-3)
    assert times.sound(8, 1) == pytest.approx(0.66e-3)
    written = report(tmp_path, "--rps", "5", "--seconds", "2", "--stages", str(file))
    assert written["settings"]["stages"] == "measured stage times of 1.7B in gpu.json"
    assert next(r for r in written["results"] if r["name"] == "prefill_stage_ms")["value"] == pytest.approx(times.prefill(59) * 1e3)


@pytest.mark.parametrize(
    ("content", "options", "part"),
    [
        (None, [], "cannot be read (No such file or directory): give the gpu.json of python -m bench.gpu"),
        ("{", [], "is no report of a bench"),
        ("[]", [], "is no report of a bench"),
        ('{"results": [{"name": "codec", "value": "fast"}]}', [], "is no report of a bench"),
        (
            json.dumps(gpu_report()),
            ["--size", "0.6B"],
            "has no 0.6B.wide.bN.frame_ms_p50: measure with",
        ),
        (json.dumps(gpu_report()), ["--max-batch", "4"], "has no 1.7B.matvec.bN.frame_ms_p50"),
        (json.dumps(gpu_report(**{"1.7B__wide__b16__frame_ms_at_1024": None})), [], "has no 1.7B.wide.bN.frame_ms_at_1024"),
    ],
)
def test_stages_that_are_none_are_refused(content, options, part, tmp_path, capsys):
    file = tmp_path / "gpu.json"
    if content is not None:
        file.write_text(content)
    assert simulate.main(["--rps", "5", *options, "--stages", str(file)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: --stages {file} ") and err.count("\n") == 1
    assert part in err


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--rps", "0"], "--rps: '0' is out of range: give a number above 0"),
        (["--rps", "5,nan"], "--rps: 'nan' is out of range"),
        (["--rps", "5,5.0"], "--rps: '5,5.0' names a load twice"),
        (["--rps", "0.001", "--seconds", "1"], "--rps 0.001 lets nobody arrive within 1 s"),
        (["--seconds", "-1"], "--seconds: '-1' is out of range"),
        (["--speech-seconds", "0"], "--speech-seconds: '0' is out of range"),
        (["--prompt-tokens", "1"], "--prompt-tokens: '1' is out of range: give a whole number from 2"),
        (["--frame-limit", "50000"], "max_frames=50000 with a prompt of 60 positions needs"),
        (["--max-batch", "0"], "--max-batch: '0' is out of range"),
        (["--queue", "-1"], "--queue: '-1' is out of range"),
        (["--host-us", "-1"], "--host-us: '-1' is out of range: give a number from 0"),
        (["--profile", "abacus"], "profile='abacus' cannot be read"),
        (["--size", "8B"], "--size: invalid choice: '8B'"),
        (["--gpu", "abacus"], "--gpu: invalid choice: 'abacus'"),
        (["--sharing", "fair"], "--sharing: invalid choice: 'fair'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(options, part, tmp_path, capsys):
    file = tmp_path / "simulate.json"
    assert simulate.main(["--rps", "5", *options, "--json", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and err.count("\n") == 1
    assert part in err
    assert list(tmp_path.iterdir()) == []
