from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Language(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LANGUAGE_UNSPECIFIED: _ClassVar[Language]
    LANGUAGE_RU: _ClassVar[Language]
    LANGUAGE_EN: _ClassVar[Language]
    LANGUAGE_MIXED: _ClassVar[Language]

class AudioFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO_FORMAT_UNSPECIFIED: _ClassVar[AudioFormat]
    AUDIO_FORMAT_PCM_S16LE: _ClassVar[AudioFormat]
    AUDIO_FORMAT_WAV: _ClassVar[AudioFormat]

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_LOW: _ClassVar[Priority]
    PRIORITY_NORMAL: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]
    PRIORITY_CRITICAL: _ClassVar[Priority]
LANGUAGE_UNSPECIFIED: Language
LANGUAGE_RU: Language
LANGUAGE_EN: Language
LANGUAGE_MIXED: Language
AUDIO_FORMAT_UNSPECIFIED: AudioFormat
AUDIO_FORMAT_PCM_S16LE: AudioFormat
AUDIO_FORMAT_WAV: AudioFormat
PRIORITY_UNSPECIFIED: Priority
PRIORITY_LOW: Priority
PRIORITY_NORMAL: Priority
PRIORITY_HIGH: Priority
PRIORITY_CRITICAL: Priority

class SynthesizeRequest(_message.Message):
    __slots__ = ("text", "language", "speaker_id", "audio_format", "sample_rate", "seed", "request_id", "voice", "instructions", "max_frames", "speed", "priority", "language_name", "normalize", "marks")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VOICE_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_FRAMES_FIELD_NUMBER: _ClassVar[int]
    SPEED_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_NAME_FIELD_NUMBER: _ClassVar[int]
    NORMALIZE_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    text: str
    language: Language
    speaker_id: int
    audio_format: AudioFormat
    sample_rate: int
    seed: int
    request_id: str
    voice: str
    instructions: str
    max_frames: int
    speed: float
    priority: Priority
    language_name: str
    normalize: bool
    marks: bool
    def __init__(self, text: _Optional[str] = ..., language: _Optional[_Union[Language, str]] = ..., speaker_id: _Optional[int] = ..., audio_format: _Optional[_Union[AudioFormat, str]] = ..., sample_rate: _Optional[int] = ..., seed: _Optional[int] = ..., request_id: _Optional[str] = ..., voice: _Optional[str] = ..., instructions: _Optional[str] = ..., max_frames: _Optional[int] = ..., speed: _Optional[float] = ..., priority: _Optional[_Union[Priority, str]] = ..., language_name: _Optional[str] = ..., normalize: bool = ..., marks: bool = ...) -> None: ...

class SynthesizeResponse(_message.Message):
    __slots__ = ("audio_data", "audio_format", "sample_rate", "num_samples", "duration_ms", "processing_time_ms", "rtf", "request_id")
    AUDIO_DATA_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_FIELD_NUMBER: _ClassVar[int]
    NUM_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    RTF_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    audio_data: bytes
    audio_format: AudioFormat
    sample_rate: int
    num_samples: int
    duration_ms: float
    processing_time_ms: float
    rtf: float
    request_id: str
    def __init__(self, audio_data: _Optional[bytes] = ..., audio_format: _Optional[_Union[AudioFormat, str]] = ..., sample_rate: _Optional[int] = ..., num_samples: _Optional[int] = ..., duration_ms: _Optional[float] = ..., processing_time_ms: _Optional[float] = ..., rtf: _Optional[float] = ..., request_id: _Optional[str] = ...) -> None: ...

class AudioChunk(_message.Message):
    __slots__ = ("chunk_index", "audio_data", "sample_rate", "num_samples", "start_ms", "duration_ms", "is_final", "request_id")
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    AUDIO_DATA_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_FIELD_NUMBER: _ClassVar[int]
    NUM_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    START_MS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    chunk_index: int
    audio_data: bytes
    sample_rate: int
    num_samples: int
    start_ms: float
    duration_ms: float
    is_final: bool
    request_id: str
    def __init__(self, chunk_index: _Optional[int] = ..., audio_data: _Optional[bytes] = ..., sample_rate: _Optional[int] = ..., num_samples: _Optional[int] = ..., start_ms: _Optional[float] = ..., duration_ms: _Optional[float] = ..., is_final: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HealthResponse(_message.Message):
    __slots__ = ("status", "version", "uptime_seconds")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[HealthResponse.Status]
        STATUS_SERVING: _ClassVar[HealthResponse.Status]
        STATUS_NOT_SERVING: _ClassVar[HealthResponse.Status]
    STATUS_UNSPECIFIED: HealthResponse.Status
    STATUS_SERVING: HealthResponse.Status
    STATUS_NOT_SERVING: HealthResponse.Status
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    status: HealthResponse.Status
    version: str
    uptime_seconds: float
    def __init__(self, status: _Optional[_Union[HealthResponse.Status, str]] = ..., version: _Optional[str] = ..., uptime_seconds: _Optional[float] = ...) -> None: ...

class InfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InfoResponse(_message.Message):
    __slots__ = ("name", "version", "model_name", "supported_languages", "default_sample_rate", "max_text_length", "num_speakers")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    SUPPORTED_LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_SAMPLE_RATE_FIELD_NUMBER: _ClassVar[int]
    MAX_TEXT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    NUM_SPEAKERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    model_name: str
    supported_languages: _containers.RepeatedScalarFieldContainer[str]
    default_sample_rate: int
    max_text_length: int
    num_speakers: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., model_name: _Optional[str] = ..., supported_languages: _Optional[_Iterable[str]] = ..., default_sample_rate: _Optional[int] = ..., max_text_length: _Optional[int] = ..., num_speakers: _Optional[int] = ...) -> None: ...
