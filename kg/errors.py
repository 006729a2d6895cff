"""What can go wrong, as one tree.

::

    KGError                 anything this program refuses, said in one sentence
      SourceError           an input that cannot be read
      FetchError            an online service that does not give what it is asked for
      VocabularyError       a term, prefix or vocabulary file that is not as it must be
      RuleError             a rule file or model that is not as it must be
      ModelError            a language model that cannot be asked, or not any further
      StoreError            a store that cannot be opened, written or understood
      ShapeError            a shape file that cannot be used
      QueryError            a question that cannot be asked
      ReviewError           a decision or curation file that is not as it must be
      ExportError           an output that cannot be written
      PluginError           a plug-in that does not keep its protocol
      ServeError            a server that cannot start, or a request that it refuses

Every message says which file or value, where, why and what to do; ``cli`` prints it and exits with 2.
"""

from __future__ import annotations

__all__ = [
    "ExportError",
    "FetchError",
    "KGError",
    "ModelError",
    "PluginError",
    "QueryError",
    "ReviewError",
    "RuleError",
    "ServeError",
    "ShapeError",
    "SourceError",
    "StoreError",
    "VocabularyError",
]


class KGError(Exception):
    """Root of all errors of this package; its text is one sentence for a person."""


class SourceError(KGError):
    """An input that cannot be read."""


class FetchError(KGError):
    """An online service that cannot be reached, refuses, or does not give what it is asked for."""


class VocabularyError(KGError):
    """A term, prefix or vocabulary file that is not as it must be."""


class RuleError(KGError):
    """A rule file or trained model that is not as it must be."""


class ModelError(KGError):
    """A language model that cannot be asked, or not any further: it ends a build, which goes on when run again."""


class StoreError(KGError):
    """A store that cannot be opened, written or understood."""


class ShapeError(KGError):
    """A shape file that cannot be used."""


class QueryError(KGError):
    """A question that cannot be asked: unknown name, bad header, parameter or SPARQL."""


class ReviewError(KGError):
    """A decision about a fact, or a file of them, that is not as it must be."""


class ExportError(KGError):
    """An output that cannot be written."""


class PluginError(KGError):
    """A plug-in that does not keep its protocol."""


class ServeError(KGError):
    """A server that cannot start, or a request that it refuses: ``status`` is the HTTP status of the answer.

    ``retry_after`` is in seconds, None where trying again would not help.
    """

    def __init__(self, text: str, status: int = 500, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after
