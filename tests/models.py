"""A server on this machine that behaves as an OpenAI-compatible endpoint does, faults included."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self

__all__ = ["Model", "chat", "facts"]

Question = dict[str, Any]  # the request as it came
Script = Callable[[Question], str]


def facts(
    conditions: Sequence[dict[str, Any]] = (),
    interventions: Sequence[dict[str, Any]] = (),
    outcomes: Sequence[dict[str, Any]] = (),
) -> str:
    """A reply with these facts; what is not given of one takes a usual value."""
    usual: dict[str, dict[str, Any]] = {
        "conditions": {"role": "primary"},
        "interventions": {"kind": "drug", "for": [], "part_of": None},
        "outcomes": {"of": [], "after": [], "attributed_to": [], "duration": None},
    }
    told = zip(usual, (conditions, interventions, outcomes), strict=True)
    shared: dict[str, Any] = {"patient": 1, "assertion": "present"}
    return json.dumps({
        kind: [{"id": f"{kind[0]}{n}", **shared, **usual[kind], **item} for n, item in enumerate(items, 1)]
        for kind, items in told
    })  # fmt: skip


def chat(content: str, **choice: Any) -> dict[str, Any]:
    """An answer whose first choice says ``content``."""
    message = {"role": "assistant", "content": content, **choice.pop("message", {})}
    usage = {"prompt_tokens": 3000, "completion_tokens": 200}
    return {"choices": [{"message": message, "finish_reason": "stop", **choice}], "usage": usage}


class Model:
    """``reply`` makes the content of each reply; ``answers`` go before it, one for each of the next requests.

    An answer is an object to send as JSON, (status, object, headers), or ``hang up``, ``cut`` (the line breaks),
    ``drip`` (a byte now and then, without end), ``huge`` (more than any reply has).
    """

    def __init__(self, reply: Script = lambda question: facts()) -> None:
        self.reply = reply
        self.answers: deque[Any] = deque()
        self.questions: list[Question] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.at_once = self.most_at_once = 0
        self.pause = 0.0
        self._lock = Lock()
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with model._lock:
                    model.times.append(time.monotonic())
                    model.questions.append(json.loads(body))
                    model.headers.append(dict(self.headers))
                    answer = model.answers.popleft() if model.answers else None
                    model.at_once += 1
                    model.most_at_once = max(model.most_at_once, model.at_once)
                try:
                    time.sleep(model.pause)
                    self.answer(answer, json.loads(body))
                except OSError:
                    pass  # the asker has gone
                finally:
                    with model._lock:
                        model.at_once -= 1

            def answer(self, answer: Any, question: Question) -> None:
                if answer == "hang up":
                    self.close_connection = True
                    return
                status, said, headers = answer if isinstance(answer, tuple) else (200, answer, {})
                if said is None:
                    said = chat(model.reply(question))
                content = json.dumps(said).encode()
                if answer == "huge":
                    content = json.dumps(chat("x" * 2 * 2**20)).encode()
                if self.path != "/v1/chat/completions":
                    status, content, headers = 404, b'{"error":{"message":"no such page"}}', {}
                self.send_response(status)
                length = len(content) + (1000 if answer in ("cut", "drip") else 0)
                self.send_header("Content-Length", str(length))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if answer == "drip":
                    for _ in range(1000):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                        time.sleep(0.02)
                self.wfile.write(content)
                self.wfile.flush()
                self.close_connection = answer == "cut"

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
