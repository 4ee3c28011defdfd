"""What the benches say: texts from a word to a page, and what else each kind of model needs to say them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from qwen3tts.tts import TTS

_STORM = {
    "english": "When the storm had passed, the harbour lay as still as glass. Fishermen mended their nets on the quay, children "
    "counted the gulls, and somebody in the lighthouse played an old waltz on a piano that had not been tuned since the war. "
    "Nobody minded: it was the first quiet evening in a week, and the whole town had come out to listen.",
    "russian": "Когда буря утихла, гавань лежала гладкая, как стекло. Рыбаки чинили сети на причале, дети считали чаек, а кто-то "
    "на маяке играл старый вальс на пианино, которое не настраивали с самой войны. Никто не возражал: это был первый тихий вечер "
    "за неделю, и весь город вышел послушать.",
}
_MORNING = {
    "english": "By morning the boats were out again. The baker, who had not slept, carried warm loaves down to the pier and gave "
    "them away to whoever came by; the schoolmaster wrote the date on the blackboard and, after a moment, the word for sunlight in "
    "each of the four languages that his pupils spoke at home. Far out, where the water turns from green to blue, a single sail "
    "stood still for an hour and then moved on.",
    "russian": "К утру лодки снова вышли в море. Пекарь, который так и не ложился, принёс на пирс тёплые буханки и раздавал их "
    "всем, кто проходил мимо; учитель написал на доске дату, а потом, подумав, слово «солнце» на каждом из четырёх языков, на "
    "которых его ученики говорят дома. Далеко, там, где вода из зелёной становится синей, одинокий парус целый час стоял "
    "неподвижно, а затем двинулся дальше.",
}

TEXTS = (
    ("english", "Yes."),
    ("russian", "Спасибо!"),
    ("english", "Good morning, everybody!"),
    ("russian", "Доброе утро, друзья мои!"),
    ("chinese", "请问，去火车站怎么走最快？谢谢您。"),
    ("english", "The train to the coast leaves from platform four in twelve minutes; please keep your ticket at hand."),
    ("russian", "Поезд к морю отправляется с четвёртого пути через двенадцать минут; пожалуйста, приготовьте билеты."),
    ("german", "Der Zug an die Küste fährt in zwölf Minuten von Gleis vier ab; bitte halten Sie Ihre Fahrkarte bereit."),
    ("english", _STORM["english"]),
    ("russian", _STORM["russian"]),
    ("english", f"{_STORM['english']} {_MORNING['english']}"),
    ("russian", f"{_STORM['russian']} {_MORNING['russian']}"),
)
"""(language, text): words, phrases, sentences, paragraphs and pages, the shortest first."""

INSTRUCT = "A calm woman of about forty, warm and unhurried."


def request_options(tts: TTS) -> dict[str, Any]:
    """The options of a request that the model cannot speak without: a base model's voice, a voice_design model's instruction."""
    kind = tts.checkpoint.config.kind
    if kind == "base":
        rate = tts.sample_rate
        return {"voice": tts.clone_voice((tone_glide(rate), rate))}
    return {"instruct": INSTRUCT} if kind == "voice_design" else {}


def tone_glide(sample_rate: int, seconds: float = 3.0) -> np.ndarray:
    """A reference recording that nobody had to speak: a tone of ten harmonics that rises from 110 to 220 Hz, float32 (n,)."""
    pitch = np.geomspace(110.0, 220.0, round(sample_rate * seconds))
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    harmonics = np.arange(1, 11)[:, None]
    wave = (np.sin(harmonics * phase) / harmonics).sum(axis=0)
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)
