"""The request in words: kg/llm/prompt.toml filled in, and the schema of the reply made from the CaseRecord's codes."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from kg.clinical.patients import patients
from kg.clinical.story import Story, read_story
from kg.errors import RuleError
from kg.llm.windows import Stretch, windows
from kg.model import ASSERTIONS, CATEGORIES, DURATION_TYPES, KINDS, ROLES, Document, Patient, Report

__all__ = ["examples", "messages", "prompt_version", "schema"]

_FILE = Path(__file__).with_name("prompt.toml")
_TEXT: dict[str, Any] = {"type": "string"}
_WORDS: dict[str, Any] = {"type": ["string", "null"]}
_NUMBER: dict[str, Any] = {"type": "integer"}
_IDS: dict[str, Any] = {"type": "array", "items": _TEXT}

Message = dict[str, str]


def messages(story: Story, window: Stretch) -> list[Message]:
    """The chat that asks about a window: instructions, examples with their replies, the window."""
    return [*_opening(), {"role": "user", "content": _question(story, window)}]


@cache
def prompt_version() -> str:
    """The version of the prompt and a hash of all that is said before the report."""
    said = json.dumps(_opening(), ensure_ascii=False) + _prompt()["user"]
    return f"{_prompt()['version']}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


@cache
def examples() -> tuple[tuple[Document, str], ...]:
    """The invented reports of the prompt, each with the reply that is wanted."""
    read = (e["text"].strip() for e in _prompt()["example"])
    documents = (Document(f"example{n}", text, Report(), ()) for n, text in enumerate(read, 1))
    return tuple(zip(documents, (e["reply"].strip() for e in _prompt()["example"]), strict=True))


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a reply: the CaseRecord's lists and codes, with quotes in place of offsets."""
    fact = {"id": _TEXT, "patient": _NUMBER, "sentence": _NUMBER, "quote": _TEXT}
    assertion = {"assertion": _codes(ASSERTIONS)}
    duration = _object({"quote": _TEXT, "type": _codes(DURATION_TYPES)})
    return _object(
        {
            "conditions": _list({**fact, "label": _WORDS, "role": _codes(ROLES), **assertion}),
            "interventions": _list(
                {**fact, "label": _WORDS, "kind": _codes(KINDS), "for": _IDS, "part_of": _WORDS, **assertion}
            ),
            "outcomes": _list(
                {
                    **fact,
                    "category": _codes(CATEGORIES),
                    "of": _IDS,
                    "after": _IDS,
                    "attributed_to": _IDS,
                    "duration": {"anyOf": [duration, {"type": "null"}]},
                    **assertion,
                }
            ),
        }
    )


@cache
def _opening() -> tuple[Message, ...]:
    """All that is said before the report: it is the same for every window."""
    system = Template(_prompt()["system"]).substitute(schema=json.dumps(schema(), ensure_ascii=False))
    said = [{"role": "system", "content": system.strip()}]
    for document, reply in examples():
        story = read_story(document)
        (window,) = windows(story)
        said.append({"role": "user", "content": _question(story, window)})
        said.append({"role": "assistant", "content": reply})
    return tuple(said)


def _question(story: Story, window: Stretch) -> str:
    """The window between marks that its text cannot hold, since they hold a hash of it, line by line with numbers."""
    lines = [f"{n}| {' '.join(story.text[s.start : s.end].split())}" for n, s in enumerate(window.lines, 1)]
    told = "\n".join(lines)
    mark = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:12]
    told = told.encode("utf-8", "replace").decode()  # half a surrogate pair is no text that can be sent
    people = "\n".join(f"{n}. {_person(p)}" for n, p in enumerate(patients(story), 1))
    return Template(_prompt()["user"]).substitute(patients=people, mark=mark, lines=told).strip()


def _person(patient: Patient) -> str:
    age = f"{patient.age.value:g} {patient.age.unit}" if patient.age else patient.age_group
    return ", ".join(filter(None, (age, patient.sex))) or "age and sex not stated"


def _codes(codes: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(codes)}


def _list(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _object(properties)}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    required: Sequence[str] = list(properties)  # strict modes demand all
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


@cache
def _prompt() -> dict[str, Any]:
    try:
        return tomllib.loads(_FILE.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{_FILE}: {error}; mend the prompt.") from error
