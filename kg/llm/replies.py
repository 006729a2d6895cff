"""What a model replied, kept in the user's cache folder by a hash of model, prompt and text: asked once, paid once."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from kg.errors import ModelError
from kg.model import STATUSES, Status

__all__ = ["Replies", "Reply", "reply_key"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came for one window: ``why`` is said of any status but done; ``date`` (UTC), tokens, response format."""

    status: Status
    content: str
    date: str
    why: str = ""
    read: int = 0
    written: int = 0
    format: str = ""


def reply_key(model: str, prompt: str, question: str) -> str:
    """The name under which a reply is kept."""
    return hashlib.sha256(json.dumps([model, prompt, question]).encode()).hexdigest()


class Replies:
    """The folder of replies. It holds what models said of reports, never a key; it may be deleted at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Reply | None:
        """The reply kept under a key; None if there is none that can be read."""
        try:
            reply = Reply(**json.loads(self._path(key).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return reply if reply.status in STATUSES and isinstance(reply.content, str) else None

    def put(self, key: str, reply: Reply) -> None:
        """Keep a reply; ModelError if the folder cannot be written, since then every build would pay again."""
        path = self._path(key)
        draft = path.with_name(f".{key}.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(asdict(reply), ensure_ascii=True), encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            raise ModelError(
                f"{path.parent} cannot be written ({error.strerror}); name another folder in CASEKG_CACHE."
            ) from error
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"
