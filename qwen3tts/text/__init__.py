"""From text to the integers that the talker reads; no torch."""

from qwen3tts.text.languages import resolve_language, resolve_speaker
from qwen3tts.text.prompt import build_prompt, check_text, check_words, default_text_feed
from qwen3tts.text.tokenizer import Tokenizer

__all__ = ["Tokenizer", "build_prompt", "check_text", "check_words", "default_text_feed", "resolve_language", "resolve_speaker"]
