"""An extractor that asks a language model, and takes from its replies what the text itself shows.

The parts are in kg/llm/. Each window of a report is asked for once: the reply is kept in the user's cache folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock

from kg.clinical.lexicon import Matcher
from kg.clinical.story import read_story
from kg.llm import Estimate, LanguageModel
from kg.llm.endpoint import Endpoint, tokens
from kg.llm.facts import cases
from kg.llm.prompt import examples, messages, prompt_version
from kg.llm.replies import Replies, reply_key
from kg.llm.reply import read_reply
from kg.llm.windows import windows
from kg.model import CaseRecord, Document, Lexicon, Span, Window
from kg.resources import cache_folder, content_hash, folder

__all__ = ["estimate", "prepare", "version"]


def version(model: LanguageModel) -> str:
    """A hash of the code and rules, the model's name and the version of the prompt."""
    package, here = Path(__file__).parents[1], Path(__file__)
    code = content_hash(folder("rules"), package / "clinical", package / "llm", here)
    return f"llm {code} {model.name} prompt {prompt_version()}"


def prepare(lexicon: Lexicon, model: LanguageModel) -> Callable[[Document], CaseRecord]:
    """The extractor over the words of ``lexicon``. ModelError where asking any further makes no sense."""
    matcher = Matcher(lexicon)
    endpoint = Endpoint(model, _replies())
    local = Lock()  # only waiting for replies gains from threads

    def extract(document: Document) -> CaseRecord:
        with local:
            story = read_story(document)
            parts = windows(story) if story.cases else []
        replies = [endpoint.ask(messages(story, part)) for part in parts]
        with local:
            told = [read_reply(r.content) if r.status in ("done", "truncated") else None for r in replies]
            found, dropped = cases(story, matcher, list(zip(parts, told, strict=True)))
        return CaseRecord(
            id=document.id,
            report=document.report,
            cases=found,
            skip=story.skip,
            sentences=tuple(Span(s.start, s.end) for s in story.sentences),
            unread=story.unread,
            windows=tuple(
                Window(
                    start=part.start,
                    end=part.end,
                    status=reply.status,
                    model=model.name,
                    prompt=prompt_version(),
                    date=reply.date,
                    dropped=lost,
                )
                for part, reply, lost in zip(parts, replies, dropped, strict=True)
            ),
        )

    return extract


def estimate(documents: Iterable[Document], model: LanguageModel) -> Estimate:
    """What asking about these documents would take, without asking; a reply is reckoned as long as an example's."""
    replies, found = _replies(), Estimate()
    reply = tokens([{"content": text} for _, text in examples()]) // len(examples())
    for document in documents:
        story = read_story(document)
        found.reports += 1
        for part in windows(story) if story.cases else ():
            asked = messages(story, part)
            found.windows += 1
            if replies.get(reply_key(model.name, prompt_version(), asked[-1]["content"])):
                found.kept += 1
            else:
                found.read += tokens(asked)
                found.written += reply
    if model.price:
        found.cost = model.cost_of(found.read, found.written)
    return found


def _replies() -> Replies:
    return Replies(cache_folder() / "replies")
