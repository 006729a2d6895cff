"""Asks a model through an OpenAI-compatible endpoint, within the bounds that a LanguageModel sets.

A reply is asked for as JSON of a schema, where the endpoint refuses that as any JSON object, else as text that is JSON;
what an endpoint took is kept for the requests that follow.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from weakref import finalize

from kg.errors import FetchError, ModelError
from kg.llm import LanguageModel
from kg.llm.prompt import Message, prompt_version, schema
from kg.llm.replies import Replies, Reply, reply_key
from kg.llm.reply import read_reply
from kg.model import Status
from kg.online import AnswerError, Client, NoAnswerError, NotFoundError, RefusedError, json_of

__all__ = ["Endpoint", "tokens"]

_SILENCE = 600.0  # seconds: a reply comes whole, when the model has thought of all of it
_PATIENCE = 900.0
_LARGEST = 4 * 2**20  # bytes of a reply with all that is around it
_WRITTEN = 8192  # tokens of a reply, thoughts included
_IN_A_ROW = 3  # windows that may fail one after another, or from the first on, before that counts as a reason to stop
_DECLINED = re.compile(r"content[ _]?(filter|management|policy)", re.IGNORECASE)  # said of the text, not the request
_CLOSED = frozenset({401, 402, 403})  # no request will do
_LETTERS = 4  # characters of a token, about


def tokens(messages: Sequence[Message]) -> int:
    """About how many tokens a chat has."""
    return sum(len(m["content"]) for m in messages) // _LETTERS


class Endpoint:
    """One endpoint, which several threads may ask. The key is that of ``KG_MODEL_KEY`` and goes nowhere else."""

    def __init__(self, model: LanguageModel, replies: Replies) -> None:
        key = os.environ.get("KG_MODEL_KEY", "")
        self._model, self._replies = model, replies
        self._client = Client(
            model.endpoint.rstrip("/"),
            spacing=60 / model.rate if model.rate else 0.0,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            secret=key,
            silence=_SILENCE,
            patience=_PATIENCE,
            largest=_LARGEST,
        )
        self._client.tell, self._client.permit = model.tell, partial(_permit, model)
        self._client.stopped = model.meter.stopped
        finalize(self, self._client.close)  # also when the program ends
        self._form: Mapping[str, Any] = {"temperature": 0, "max_tokens": _WRITTEN, "response_format": _forms()[0]}

    def ask(self, messages: Sequence[Message]) -> Reply:
        """The reply to a chat, from the cache if it is there; failed if none comes that can be read.

        ModelError where no further request makes sense: the budget is spent, the key refused, the model unknown, or
        the endpoint broken.
        """
        meter, name = self._model.meter, self._model.name
        key = reply_key(name, prompt_version(), messages[-1]["content"])
        if kept := self._replies.get(key):
            with meter.lock:
                meter.kept += 1
                self._count(kept)
            return kept
        reply = self._asked(messages)
        if reply.status == "done" and read_reply(reply.content) is None:
            reply = replace(reply, status="failed", why="the reply is no JSON object")
        if reply.status != "failed":
            self._replies.put(key, reply)
        with meter.lock:
            self._count(reply)
            if meter.unanswered >= _IN_A_ROW or (meter.unanswered and not meter.answered):
                raise ModelError(f"{name}: {reply.why}")
            if meter.windows["failed"] == meter.windows.total() >= _IN_A_ROW:
                raise ModelError(f"{name} gives no reply that can be read ({reply.why}); try another model.")
        return reply

    def _count(self, reply: Reply) -> None:
        self._model.meter.windows[reply.status] += 1
        if reply.why:
            self._model.meter.reasons[f"{reply.status}: {reply.why}"] += 1

    def _asked(self, messages: Sequence[Message]) -> Reply:
        form = self._form
        while True:
            try:
                request = {"model": self._model.name, "messages": list(messages), **form}
                reply = self._client.post_json("chat/completions", _reply, request)
            except NotFoundError as error:
                raise ModelError(f"{error} Is the model called {self._model.name!r} there?") from error
            except RefusedError as error:
                if error.status in _CLOSED:
                    raise ModelError(f"{error} The key is read from KG_MODEL_KEY.") from error
                if _DECLINED.search(error.words):
                    return Reply("refused", "", _today(), error.words)
                simpler = _simpler(form, error.words)
                if simpler is None:
                    return _failed(error.words)
                form = simpler
            except NoAnswerError as error:
                with self._model.meter.lock:
                    self._model.meter.unanswered += 1
                return _failed(str(error))
            except FetchError as error:
                return _failed(str(error))
            else:
                self._form = form
                return self._metered(replace(reply, format=_name(form)), messages)

    def _metered(self, reply: Reply, messages: Sequence[Message]) -> Reply:
        read, written = reply.read or tokens(messages), reply.written or len(reply.content) // _LETTERS
        meter = self._model.meter
        with meter.lock:
            meter.answered, meter.unanswered = True, 0
            meter.read += read
            meter.written += written
            meter.cost += self._model.cost_of(read, written)
        if reply.read and reply.read < tokens(messages) // 2:  # some endpoints cut what is too long without a word
            why = f"only {reply.read} of about {tokens(messages)} tokens were read: give the endpoint a longer context"
            reply = replace(reply, status="failed", why=why)
        return replace(reply, read=read, written=written)


def _permit(model: LanguageModel) -> None:
    """Called before each request, one at a time; ModelError if the bounds allow no more."""
    meter = model.meter
    spent = "asking was stopped" if meter.stopped.is_set() else ""
    if model.max_requests is not None and meter.requests >= model.max_requests:
        spent = f"{meter.requests} requests are made, as --max-requests allows"
    elif model.max_cost is not None and meter.cost >= model.max_cost:
        spent = f"{meter.cost:.2f} is spent, as --max-cost allows"
    if spent:
        raise ModelError(f"{spent}; what came is kept, the same command goes on from there.")
    meter.requests += 1


def _forms() -> list[dict[str, Any]]:
    """Response formats, the strictest first; after them comes none at all."""
    named = {"name": "report", "strict": True, "schema": schema()}
    return [{"type": "json_schema", "json_schema": named}, {"type": "json_object"}]


def _name(form: Mapping[str, Any]) -> str:
    return str(form["response_format"]["type"]) if "response_format" in form else "plain"


def _simpler(form: Mapping[str, Any], refusal: str) -> dict[str, Any] | None:
    """A form of request that asks less than the one refused; None if that was the simplest."""
    rest = dict(form)
    if "max_tokens" in rest and "max_completion_tokens" in refusal:
        rest["max_completion_tokens"] = rest.pop("max_tokens")
        return rest
    if "temperature" in rest and "temperature" in refusal:
        del rest["temperature"]
        return rest
    used = rest.pop("response_format", None)
    if used is None:
        return None
    forms = _forms()
    return {**rest, "response_format": forms[1]} if used == forms[0] else rest


def _failed(why: str) -> Reply:
    return Reply("failed", "", _today(), why)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _reply(body: bytes) -> Reply:
    """The reply in the body of an answer; AnswerError, upon which it is asked for again, if there is none."""
    answer = json_of(body)
    try:
        choice, usage = answer["choices"][0], answer.get("usage") or {}
        message, finish = choice["message"], choice.get("finish_reason")
        refusal, content = message.get("refusal"), message.get("content") or ""
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content)
        read, written = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise AnswerError("the answer holds no reply") from error
    status: Status = "done"
    why = ""
    if refusal or finish == "content_filter":
        status, why = "refused", " ".join(str(refusal or "content filter").split())[:200]
    elif finish == "length":
        status, why = "truncated", f"the reply is longer than {written or _WRITTEN} tokens"
    return Reply(status, str(content), _today(), why, read, written)
