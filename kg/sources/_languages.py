"""The language of a stretch of text: by its script, by English function words, else by py3langid's model.

Nearly all text is plainly English by its function words, which are counted in no time; the model is loaded for the
first text that is not, and believed only where it is sure and has something to go by.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

__all__ = ["language_of", "script_language"]

_SCRIPTS = {
    "ko": "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3", "ja": "\u3041-\u30ff", "zh": "\u3400-\u9fff",
    "ru": "\u0400-\u04ff", "ar": "\u0600-\u06ff", "he": "\u05d0-\u05ea", "el": "\u0386-\u03ce",
    "th": "\u0e01-\u0e5b", "hi": "\u0900-\u097f",
}  # fmt: skip
_SCRIPT = {tag: re.compile(f"[{letters}]") for tag, letters in _SCRIPTS.items()}
_SYLLABIC = frozenset({"ko", "ja", "zh"})
_SHARED = frozenset({"ru", "ar"})  # scripts in which other languages are written too
_FOREIGN = re.compile("[" + "".join(_SCRIPTS.values()) + "]")
_SAMPLE = 600  # characters
_LEAST = 60  # letters that the model must have to go by
_SURE = 0.8  # probability from which it is believed
_ENGLISH = ((" the ", 2), (" and ", 2), (" with ", 2), (" of ", 1), (" was ", 1))
_LANGUAGES = (
    "en", "fr", "de", "es", "it", "pt", "nl", "da", "sv", "no", "fi", "is", "pl", "cs", "sk", "sl", "hr", "hu", "ro",
    "tr", "lt", "lv", "et", "ca", "id", "vi", "ru", "uk", "bg", "sr", "ar", "fa",
)  # fmt: skip


def language_of(text: str, told: str = "") -> str:
    """The language (BCP 47) of ``text`` by its beginning; ``told``, else English, where the text does not show it."""
    sample = text[:_SAMPLE]
    script = script_language(sample)
    if script != "en" and script not in _SHARED:
        return script
    fallback = told or script
    if script == "en" and sum(n * sample.count(word) for word, n in _ENGLISH) >= max(2, len(sample) / 100):
        return "en"
    if sum(map(str.isalpha, sample)) < _LEAST:
        return fallback
    found, probability = _model().classify(sample)
    return found if probability >= _SURE else fallback


def script_language(text: str) -> str:
    """The language that the script carrying most of the beginning stands for; a syllable counts as three letters."""
    text = text[:_SAMPLE]
    if text.isascii() or not _FOREIGN.search(text):
        return "en"
    counts = {tag: n for tag, pattern in _SCRIPT.items() if (n := len(pattern.findall(text)))}
    if "ja" in counts:
        counts["ja"] += counts.pop("zh", 0)
    tag = max(counts, key=lambda t: counts[t])
    latin = sum(map(str.isalpha, text)) - sum(counts.values())
    return tag if counts[tag] * (3 if tag in _SYLLABIC else 1) > latin else "en"


@cache
def _model() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(_LANGUAGES)
    return model
