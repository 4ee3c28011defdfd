"""E-mails, web addresses, handles and file names: how to find them, and their parts. No language is assumed."""

from __future__ import annotations

import re

_DOMAINS = re.findall(
    r"\S+",
    """com org net edu gov mil int me info biz name pro io ai app dev xyz site online store shop tech blog cloud page link live
    news wiki co uk us ca de fr es pt nl pl cz ch se fi dk ie eu au nz jp cn kr br mx ru su by ua kz ge il tr tv fm gg ly
    рф рус бел""",
)
_EXTENSIONS = re.findall(
    r"\S+",
    """pdf docx doc odt rtf xlsx xls csv tsv pptx ppt txt md tex json xml html htm css scss js jsx ts tsx py ipynb java kt rb
    php go rs c cc cpp h hpp cs swift sh bat ps1 sql db log env ini cfg conf yaml yml toml lock jpg jpeg png gif svg webp
    bmp tiff heic psd ico mp3 mp4 m4a wav flac ogg avi mov mkv webm zip tar gz tgz bz2 7z rar exe dll msi dmg iso apk deb
    rpm jar bin dat bak tmp srt epub djvu gguf safetensors""",
)

_DOMAIN = "|".join(sorted(_DOMAINS, key=len, reverse=True))
_EXTENSION = "|".join(f"{name}|{name.upper()}" if len(name) > 1 else name for name in sorted(_EXTENSIONS, key=len, reverse=True))
_LABEL = r"\w(?:[\w-]{0,61}\w)?"
# Behind the host: port, path, query. Punctuation at its end belongs to the sentence.
_TAIL = r"(?::[0-9]{1,5}(?![0-9]))?(?:[/?#](?:[\w.~:/?#@!$&'*+,;=%()-]{0,500}(?:[\w/=~+%-]|\([\w,.%-]{1,60}\)))?)?"

EMAIL = re.compile(rf"(?:\bmailto:)?(?<![\w.+%@-])\w[\w.+%'-]{{0,63}}@{_LABEL}(?:\.{_LABEL}){{1,6}}", re.IGNORECASE)
URL = re.compile(
    rf"(?<![\w@])(?:(?:https?|ftps?|wss?|ssh|file)://(?:[\w.%-]{{1,100}}(?::[^\s@/]{{0,60}})?@)?[\w.-]{{0,253}}\w{_TAIL}"
    rf"|www\.{_LABEL}(?:\.{_LABEL}){{0,6}}{_TAIL}"
    rf"|localhost(?=[:/]){_TAIL}"
    rf"|(?<![\w.@/\\])(?:{_LABEL}\.){{1,6}}(?:{_DOMAIN})(?![\w@-]|\.\w){_TAIL})",
    re.IGNORECASE,
)
HANDLE = re.compile(r"(?<![\w@./])@(?=[^\W\d])[\w.]{0,59}\w")
HASHTAG = re.compile(r"(?<![\w#&/])#(?=[0-9_]{0,20}[^\W\d_])\w{1,80}")
# With folders before it, or without.
FILE = re.compile(
    rf"(?<![\w./\\@-])(?:~/|\.{{1,2}}/)?(?:[\w.+-]{{1,60}}/){{0,12}}(?:\w[\w+()-]{{0,80}}(?:\.[\w+-]{{1,30}}){{0,4}})?\.(?:{_EXTENSION})(?![\w/\\]|\.\w)"
)
PATH = re.compile(
    r"(?<![\w./\\)\]<-])(?:~(?=/)|\.{1,2}(?=/[\w.]))?(?:/[\w.+@~-]{0,60}[\w+@~-]){1,20}/?(?![\w/])"
    r"|(?<!\w)[A-Za-z]:(?:\\(?:[\w.()+-]{1,60}(?: [\w.()+-]{1,40}){0,3}(?=\\)|[\w.()+-]{0,59}[\w)+-])?){1,20}"
    r"|(?<![\w\\])\\\\[\w.-]{1,60}(?:\\[\w.$-]{1,60}){1,20}"
)

_SCHEME = re.compile(r"(?:https?|ftps?|wss?|ssh|file)://|mailto:", re.IGNORECASE)
_PIECE = re.compile(r"[^\W\d_]+|[0-9]+|\S")


def pieces(address: str) -> list[str]:
    """Words, runs of digits and single signs, in order: what is to be said one after another.

    A scheme is left out, and so is the slash at the end.
    """
    shown = _SCHEME.sub("", address, count=1)
    if len(shown) > 1:
        shown = shown.removesuffix("/")
    return _PIECE.findall(shown)
