"""The methods of `tts.v1.TtsService`."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing

import grpc
import numpy as np

import qwen3tts
from qwen3tts.errors import InputError, UnavailableError
from qwen3tts.server.record import Call
from qwen3tts.server.rpc import tts_pb2, tts_pb2_grpc
from qwen3tts.server.rpc.request import LONGEST_REQUEST_ID, Resampler, Sound, call_of, sound_of
from qwen3tts.server.rpc.status import CALLER, Context
from qwen3tts.server.sound import Encoder, encode_whole
from qwen3tts.server.speech import SpeechService
from qwen3tts.types import AudioChunk, FinishReason

SHORTEST_TIMEOUT = 0.001
"""Seconds. A deadline that has passed already is no wrong one: it is missed like any other."""


class TtsServicer(tts_pb2_grpc.TtsServiceServicer):
    """Speaks over grpc.aio. Behind `Boundary`, which gives what is raised here its canonical code."""

    def __init__(self, service: SpeechService) -> None:
        self._service = service

    async def Synthesize(self, request: tts_pb2.SynthesizeRequest, context: Context) -> tts_pb2.SynthesizeResponse:
        """The whole of a text's speech in one message."""
        started = time.perf_counter()
        call, sound = self._wish(request, context, whole=True)
        resampler = Resampler(sound)
        async with self._service.speak(call) as speech:
            pieces = [resampler.resample(chunk.samples, chunk.is_final) async for chunk in speech]
        await _check_in_time(speech.record.finish_reason, context)
        samples = np.concatenate(pieces)
        data = encode_whole(samples, sound.sample_rate, sound.format)
        elapsed, seconds = time.perf_counter() - started, len(samples) / sound.sample_rate
        return tts_pb2.SynthesizeResponse(
            audio_data=data,
            audio_format=tts_pb2.AUDIO_FORMAT_WAV if sound.format == "wav" else tts_pb2.AUDIO_FORMAT_PCM_S16LE,
            sample_rate=sound.sample_rate,
            num_samples=len(samples),
            duration_ms=seconds * 1000,
            processing_time_ms=elapsed * 1000,
            rtf=elapsed / seconds,
            request_id=call.request_id,
        )

    async def SynthesizeStream(self, request: tts_pb2.SynthesizeRequest, context: Context) -> None:
        """The chunks of a text's speech, each written as soon as it is made.

        No generator: one that waits for its next reader is not told when the caller hangs up.
        """
        call, sound = self._wish(request, context, whole=False)
        with closing(_Chunks(call, sound)) as chunks:
            async with self._service.speak(call) as speech:
                async for chunk in speech:
                    if not _missed(chunk.finish_reason) and (message := chunks.message(chunk)) is not None:
                        await _write(message, context)
        await _check_in_time(speech.record.finish_reason, context)

    async def Health(self, request: tts_pb2.HealthRequest, context: Context) -> tts_pb2.HealthResponse:
        """Whether requests are taken."""
        status = tts_pb2.HealthResponse
        return tts_pb2.HealthResponse(
            status=status.STATUS_SERVING if self._service.state == "ready" else status.STATUS_NOT_SERVING,
            version=qwen3tts.__version__,
            uptime_seconds=time.monotonic() - self._service.started,
        )

    async def GetInfo(self, request: tts_pb2.InfoRequest, context: Context) -> tts_pb2.InfoResponse:
        """What the server speaks with."""
        self._check_loaded()
        tts = self._service.model.tts
        return tts_pb2.InfoResponse(
            name="qwen3tts",
            version=qwen3tts.__version__,
            model_name=self._service.model_name,
            supported_languages=self._service.languages,
            default_sample_rate=tts.sample_rate,
            max_text_length=self._service.limits.text_characters,
            num_speakers=len(self._service.speakers),
        )

    def _wish(self, request: tts_pb2.SynthesizeRequest, context: Context, whole: bool) -> tuple[Call, Sound]:
        self._check_loaded()
        remaining = context.time_remaining()
        timeout = None if remaining is None else max(remaining, SHORTEST_TIMEOUT)
        caller = CALLER.get()
        try:
            sound = sound_of(request, self._service.model.tts.sample_rate)
            return call_of(request, self._service, timeout, whole, caller), sound
        except InputError as error:
            self._service.refuse("grpc", request.request_id[:LONGEST_REQUEST_ID], error, caller)
            raise

    def _check_loaded(self) -> None:
        if self._service.state == "starting":
            raise UnavailableError("the server is starting: try again soon")


class _Chunks:
    """The messages of a stream."""

    def __init__(self, call: Call, sound: Sound) -> None:
        self._call, self._sound = call, sound
        self._resampler, self._encoder = Resampler(sound), Encoder(sound.format, sound.sample_rate)
        self._index = self._start = 0

    def message(self, chunk: AudioChunk) -> tts_pb2.AudioChunk | None:
        """The next message; None where the resampler holds all of a chunk back."""
        samples = self._resampler.resample(chunk.samples, chunk.is_final)
        if not len(samples) and not chunk.is_final:
            return None
        rate = self._sound.sample_rate
        message = tts_pb2.AudioChunk(
            chunk_index=self._index,
            audio_data=self._encoder.encode(samples),
            sample_rate=rate,
            num_samples=len(samples),
            start_ms=self._start / rate * 1000,
            duration_ms=len(samples) / rate * 1000,
            is_final=chunk.is_final,
            request_id=self._call.request_id,
        )
        self._index, self._start = self._index + 1, self._start + len(samples)
        return message

    def close(self) -> None:
        """Let go of the encoder."""
        self._encoder.close()


async def _write(message: tts_pb2.AudioChunk, context: Context) -> None:
    try:
        await context.write(message)
    except grpc.aio.InternalError as error:  # all that grpc says where the caller is gone and its task not yet cancelled
        raise asyncio.CancelledError from error


def _missed(reason: FinishReason | None) -> bool:
    return reason in ("deadline", "timeout")


async def _check_in_time(reason: FinishReason | None, context: Context) -> None:
    """Abort with DEADLINE_EXCEEDED the call of a speech that did not end in time."""
    if _missed(reason):
        await context.abort(
            grpc.StatusCode.DEADLINE_EXCEEDED, "the speech did not end within the caller's deadline: give it more time"
        )
