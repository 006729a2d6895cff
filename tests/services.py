"""A server on this machine that behaves as NCBI E-utilities and Europe PMC do, faults included."""

from __future__ import annotations

import json
import time
from collections import deque
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Services"]

RECORD = (
    "<PubmedArticle><MedlineCitation><PMID Version='1'>{id}</PMID><Article><Journal><Title>J Inv</Title></Journal>"
    "<ArticleTitle>Report {id} &amp; more.</ArticleTitle><Abstract><AbstractText>A man of {id} was ill.</AbstractText>"
    "</Abstract></Article><CommentsCorrectionsList><CommentsCorrections><PMID>9</PMID></CommentsCorrections>"
    "</CommentsCorrectionsList></MedlineCitation></PubmedArticle>"
)
ARTICLE = (
    '<article article-type="case-report"><front><article-meta><article-id pub-id-type="pmcid">PMC{id}</article-id>'
    "<title-group><article-title>Article {id}</article-title></title-group></article-meta></front>"
    "<body><p>A woman of {id} was ill.</p></body></article>"
)


class Services:
    """``records``: PMID or PMC number -> day it entered. ``faults`` befall the next requests, one each.

    A fault is a status, or ``hang up``, ``cut`` (the line breaks), ``half`` (half an answer as if it were whole),
    ``error`` (an error with status 200), ``never`` (503, again and again).
    """

    def __init__(self) -> None:
        self.records = {str(n): date(2000, 1, 1) + timedelta(days=n) for n in range(1, 24)}
        self.gone: set[str] = set()  # found, not delivered
        self.hits: list[dict[str, Any]] = []
        self.most = 9999
        self.faults: deque[int | str] = deque()
        self.retry_after = "0"
        self.requests: list[tuple[float, str, dict[str, str], str]] = []  # time, path, parameters, user agent
        self.kept: list[list[str]] = []  # results on the history server
        services = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body leave together

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                self.reply(parts.path.strip("/"), dict(parse_qsl(parts.query)))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.reply(self.path.strip("/"), dict(parse_qsl(body)))

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def reply(self, path: str, asked: dict[str, str]) -> None:
                services.requests.append((time.monotonic(), path, asked, self.headers["User-Agent"]))
                fault: int | str = services.faults.popleft() if services.faults else 200
                if fault == "never":
                    services.faults.append("never")
                    fault = 503
                if fault == "hang up":
                    self.close_connection = True
                    return
                status, body = (fault, b"") if isinstance(fault, int) and fault != 200 else services.answer(path, asked)
                if status == 429:
                    body = b'{"error":"API rate limit exceeded","count":"4","limit":"3"}'
                if fault == "error":
                    body = b"<eFetchResult><ERROR>Unable to obtain query</ERROR></eFetchResult>"
                if fault == "half":
                    body = body[: len(body) // 2]
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if status == 429:
                    self.send_header("Retry-After", services.retry_after)
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)
                self.close_connection = fault == "cut"

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def asked_for(self) -> list[str]:
        """The ids of all records asked for, in order."""
        lists = (asked["id"] for _, path, asked, _ in self.requests if path == "efetch.fcgi" and "id" in asked)
        return [key for keys in lists for key in keys.split(",")]

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        if path == "esearch.fcgi":
            return 200, json.dumps({"esearchresult": self.search(asked)}).encode()
        if path == "efetch.fcgi" and asked.get("rettype") == "uilist":
            kept = self.kept[int(asked["query_key"]) - 1] if asked["WebEnv"] == "MCID_1" else []
            start, size = int(asked["retstart"]), int(asked["retmax"])
            if asked["db"] == "pubmed" and start + 1 >= self.most and start:
                return 400, b'{"error":"\'retstart\' cannot be larger than 9998"}'
            listed = kept[start : min(start + size, self.most) if asked["db"] == "pubmed" else start + size]
            return 200, "".join(f"{key}\n" for key in listed).encode()
        if path == "efetch.fcgi":
            return 200, self.fetch(asked).encode()
        return self.europe(path, asked)

    def search(self, asked: dict[str, str]) -> dict[str, Any]:
        if asked["term"] == "bad[":
            return {"ERROR": "Search Backend failed"}
        found = sorted(self.records, key=lambda key: self.records[key], reverse=True)
        if "mindate" in asked:
            first, last = (date.fromisoformat(asked[name].replace("/", "-")) for name in ("mindate", "maxdate"))
            found = [key for key in found if first <= self.records[key] <= last]
        self.kept.append(found)
        unknown = ["zzyzx"] if "zzyzx" in asked["term"] else []
        return {
            "count": str(len(found)),
            "webenv": "MCID_1",
            "querykey": str(len(self.kept)),
            "idlist": [],
            "errorlist": {"phrasesnotfound": unknown},
        }

    def fetch(self, asked: dict[str, str]) -> str:
        keys = asked["id"].split(",")
        if asked["db"] == "pubmed":
            found = "".join(RECORD.format(id=key) for key in keys if key not in self.gone)
            return f"<PubmedArticleSet>{found}</PubmedArticleSet>"
        articles = (
            f'<Reply Id="{k}" error="The following PMCID is not available"/>'
            if k in self.gone
            else ARTICLE.format(id=k)
            for k in keys
        )
        return f"<pmc-articleset>{''.join(articles)}</pmc-articleset>"

    def europe(self, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        if path.endswith("/fullTextXML"):
            key = path.split("/")[0].removeprefix("PMC")
            return (404, b"") if key in self.gone else (200, ARTICLE.format(id=key).encode())
        if asked["resultType"] == "core":
            wanted = [h for h in self.hits if f'EXT_ID:"{h["id"]}"' in asked["query"] and h["id"] not in self.gone]
            return 200, json.dumps({"hitCount": len(wanted), "resultList": {"result": wanted}}).encode()
        at = 0 if asked["cursorMark"] == "*" else int(asked["cursorMark"][1:])
        page = self.hits[at : at + int(asked["pageSize"])]
        lite = [{k: v for k, v in h.items() if k not in ("abstractText", "authorList")} for h in page]
        mark = f"m{at + len(page)}" if page else asked["cursorMark"]
        found = {"hitCount": len(self.hits), "nextCursorMark": mark, "resultList": {"result": lite}}
        return 200, json.dumps(found).encode()
