"""Asking a language model's endpoint: what it refuses, how it fails, the bounds, the cache, and going on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kg.errors import ModelError
from kg.llm import LanguageModel
from kg.llm.endpoint import Endpoint
from kg.llm.replies import Replies, Reply
from tests.models import Model, chat, facts

MESSAGES = [{"role": "system", "content": "rules"}, {"role": "user", "content": "text"}]
Refusal = tuple[int, dict[str, Any], dict[str, str]]


def refusal(status: int, words: str, **headers: str) -> Refusal:
    return status, {"error": {"message": words}}, {k.replace("_", "-"): v for k, v in headers.items()}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    monkeypatch.setattr("kg.online._FIRST_WAIT", 0.002)
    monkeypatch.setattr("kg.llm.endpoint._PATIENCE", 1.5)
    monkeypatch.setattr("kg.llm.endpoint._LARGEST", 2**20)
    monkeypatch.delenv("KG_MODEL_KEY", raising=False)
    with Model() as running:
        yield running


def endpoint(server: Model, folder: Path, **bounds: Any) -> Endpoint:
    return Endpoint(LanguageModel(name="small", endpoint=server.endpoint, **bounds), Replies(folder))


def text(n: int) -> list[dict[str, str]]:
    return [MESSAGES[0], {"role": "user", "content": f"text {n}"}]


# --- what an endpoint refuses ---------------------------------------------------------------------------------------


def formats(server: Model) -> list[str]:
    return [q.get("response_format", {}).get("type", "plain") for q in server.questions]


def test_response_formats_are_tried_from_strict_to_plain(server: Model, tmp_path: Path) -> None:
    server.answers += [refusal(400, "response_format json_schema is not supported"), refusal(422, "no json mode")]
    asked = endpoint(server, tmp_path)
    assert (asked.ask(text(1)).status, asked.ask(text(2)).format) == ("done", "plain")
    assert formats(server) == ["json_schema", "json_object", "plain", "plain"], "what it took is kept"


def test_a_format_is_given_up_only_where_a_simpler_one_is_taken(server: Model, tmp_path: Path) -> None:
    asked = endpoint(server, tmp_path)
    asked.ask(text(0))
    server.answers += [refusal(400, "maximum context length is 4096 tokens")] * 3
    assert asked.ask(text(1)) == Reply("failed", "", time.strftime("%Y-%m-%d", time.gmtime()),
                                       "status 400, maximum context length is 4096 tokens")  # fmt: skip
    assert asked.ask(text(2)).format == "json_schema"


def test_parameters_that_a_model_does_not_take(server: Model, tmp_path: Path) -> None:
    server.answers += [refusal(400, "'max_tokens' is not supported; use 'max_completion_tokens' instead"),
                       refusal(400, "'temperature' does not support 0")]  # fmt: skip
    assert endpoint(server, tmp_path).ask(MESSAGES).format == "json_schema"
    last = server.questions[-1]
    assert "temperature" not in last and "max_tokens" not in last and last["max_completion_tokens"] > 1000


def test_a_cloud_that_declines_a_text(server: Model, tmp_path: Path) -> None:
    server.answers.append(refusal(400, "The prompt triggered the provider's content management policy."))
    reply = endpoint(server, tmp_path).ask(MESSAGES)
    assert (reply.status, len(server.questions)) == ("refused", 1)


def test_a_request_that_the_endpoint_cut_short(server: Model, tmp_path: Path) -> None:
    asked = endpoint(server, tmp_path)
    asked.ask(text(0))
    long = [MESSAGES[0], {"role": "user", "content": "word " * 8000}]
    reply = asked.ask(long)
    assert reply.status == "failed" and "only 3000 of about 10001 tokens were read" in reply.why


@pytest.mark.parametrize(("answer", "words"), [
    (refusal(401, "wrong key sk-secret"), r"wrong key \*\*\*.*KG_MODEL_KEY"), (refusal(403, "not yours"), "not yours"),
    (refusal(404, "model 'small' not found"), "model 'small' not found"),
])  # fmt: skip
def test_what_no_further_request_will_mend(
    server: Model, tmp_path: Path, answer: Refusal, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KG_MODEL_KEY", "sk-secret")
    server.answers.append(answer)
    with pytest.raises(ModelError, match=words):
        endpoint(server, tmp_path).ask(MESSAGES)
    assert len(server.questions) == 1
    assert not any("sk-secret" in path.read_text() for path in tmp_path.rglob("*.json"))


# --- how it fails ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [
    "hang up", "cut", refusal(500, "oops"), refusal(503, "loading model"), {"error": {"message": "later"}}, {}, [],
    {"choices": [{}]},
])  # fmt: skip
def test_what_fails_is_asked_again(server: Model, tmp_path: Path, answer: Any) -> None:
    server.answers += [answer, answer]
    assert endpoint(server, tmp_path).ask(MESSAGES).status == "done"
    assert len(server.questions) == 3


def test_retry_after_is_honoured(server: Model, tmp_path: Path) -> None:
    heard: list[str] = []
    server.answers.append(refusal(429, "slow down", Retry_After="1"))
    assert endpoint(server, tmp_path, tell=heard.append).ask(MESSAGES).status == "done"
    assert server.times[1] - server.times[0] >= 1
    assert "slow down" in heard[0] and "trying again in 1 s" in heard[0]


@pytest.mark.parametrize(("answer", "why"), [
    ("huge", "sends more than 1 MB"), ("drip", "takes more than 1.5 s"), (chat("I would not."), "no JSON object"),
])  # fmt: skip
def test_a_window_that_fails_is_recorded_and_not_kept(server: Model, tmp_path: Path, answer: Any, why: str) -> None:
    asked = endpoint(server, tmp_path)
    asked.ask(text(0))
    server.answers.append(answer)
    reply = asked.ask(MESSAGES)
    assert reply.status == "failed" and why in reply.why
    assert asked.ask(MESSAGES).status == "done", "the next build asks again"
    assert len(server.questions) == 3


def test_a_broken_endpoint_ends_the_run(server: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.online._TRIES", 2)
    with pytest.raises(ModelError, match="does not answer"):
        server.answers += ["hang up"] * 2
        endpoint(server, tmp_path).ask(MESSAGES)  # the first request already
    asked = endpoint(server, tmp_path)
    asked.ask(text(0))
    server.answers += ["hang up"] * 6
    assert [asked.ask(text(n)).status for n in (1, 2)] == ["failed", "failed"]
    with pytest.raises(ModelError, match="run the same command later"):
        asked.ask(text(3))


def test_a_model_that_knows_no_json_ends_the_run(server: Model, tmp_path: Path) -> None:
    junk = chat("I would not.")
    asked = endpoint(server, tmp_path)
    server.answers += [junk] * 3
    assert [asked.ask(text(n)).status for n in (1, 2)] == ["failed", "failed"]
    with pytest.raises(ModelError, match=r"no reply that can be read.*another model"):
        asked.ask(text(3))
    other = endpoint(server, tmp_path)
    other.ask(text(0))
    server.answers += [junk] * 5
    assert [other.ask(text(n)).status for n in range(1, 6)] == ["failed"] * 5, "some that fail do not stop the others"


# --- bounds ---------------------------------------------------------------------------------------------------------


def test_requests_and_cost_are_bounded(server: Model, tmp_path: Path) -> None:
    asked = endpoint(server, tmp_path, max_requests=2)
    asked.ask(text(1))
    asked.ask(text(2))
    with pytest.raises(ModelError, match="2 requests are made"):
        asked.ask(text(3))
    asked.ask(text(1))  # from the cache
    dear = endpoint(server, tmp_path / "other", price=(1.0, 10.0), max_cost=0.005)
    dear.ask(text(1))  # 3,000 tokens read, 200 written: 0.003 + 0.002
    with pytest.raises(ModelError, match=r"0\.01 is spent|0\.00 is spent"):
        dear.ask(text(2))
    assert len(server.questions) == 3


def test_requests_are_spaced(server: Model, tmp_path: Path) -> None:
    asked = endpoint(server, tmp_path, rate=600)
    for n in range(3):
        asked.ask(text(n))
    assert server.times[2] - server.times[0] >= 0.1


@pytest.mark.parametrize(("given", "words"), [
    ({"endpoint": "localhost:11434"}, "no address"), ({"endpoint": "file:///etc/passwd"}, "no address"),
    ({"endpoint": "http://me:secret@localhost/v1"}, "KG_MODEL_KEY"), ({"name": " "}, "no name"),
    ({"max_cost": 1.0}, "needs --price"), ({"price": (-1.0, float("nan"))}, "is none"),
])  # fmt: skip
def test_what_cannot_be_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        LanguageModel(**{"name": "small", "endpoint": "http://localhost/v1", **given})


# --- the cache ------------------------------------------------------------------------------------------------------


def test_replies_are_kept_by_model_prompt_and_text(server: Model, tmp_path: Path) -> None:
    first = endpoint(server, tmp_path)
    reply = first.ask(MESSAGES)
    assert endpoint(server, tmp_path).ask(MESSAGES) == reply
    assert first._model.meter.requests == 1 and len(server.questions) == 1
    Endpoint(LanguageModel(name="large", endpoint=server.endpoint), Replies(tmp_path)).ask(MESSAGES)
    first.ask(text(1))
    assert len(server.questions) == 3


def test_a_refusal_is_not_asked_for_twice(server: Model, tmp_path: Path) -> None:
    server.answers.append(chat("", message={"refusal": "No."}))
    assert [endpoint(server, tmp_path).ask(MESSAGES).status for _ in range(2)] == ["refused", "refused"]
    assert len(server.questions) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"status": "done"}', '{"status": 1, "content": 2, "date": 3}'])
def test_a_spoilt_cache_is_asked_for_again(server: Model, tmp_path: Path, content: str) -> None:
    asked = endpoint(server, tmp_path)
    asked.ask(MESSAGES)
    (kept,) = tmp_path.rglob("*.json")
    assert json.loads(kept.read_text())["content"] == facts()
    kept.write_text(content)
    assert asked.ask(MESSAGES).status == "done"
    assert len(server.questions) == 2


def test_a_cache_that_cannot_be_written_ends_the_run(server: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="CASEKG_CACHE"):
        endpoint(server, tmp_path / "file").ask(MESSAGES)
