"""KGX's validator on two tables, without the web: python judge_kgx.py nodes.tsv edges.tsv

Run by the interpreter of ``.venv/foreign``. KGX would load the Biolink Model and its context of prefixes from the web;
here they come from the biolink-model wheel, with our own prefixes beside them. Prints JSON: records, faults.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import bmt
import requests
import yaml

OWN = {"id": "https://w3id.org/casekg/id/", "ckv": "https://w3id.org/casekg/vocab/"}
MODEL = str(files("biolink_model") / "schema" / "biolink_model.yaml")


class Answer:
    """What a request would have brought."""

    def __init__(self, text: str) -> None:
        self.text = text

    def json(self) -> Any:
        """The text as JSON."""
        return json.loads(self.text)


def context() -> dict[str, Any]:
    """Every prefix that the model declares or names as that of a class, and our own."""
    model = yaml.load(Path(MODEL).read_text(encoding="utf-8"), yaml.CSafeLoader)
    named = (prefix for said in model["classes"].values() for prefix in (said or {}).get("id_prefixes", ()))
    known = {**{prefix: f"https://bioregistry.io/{prefix}:" for prefix in named}, **model["prefixes"], **OWN}
    return {"@context": {prefix: {"@id": iri, "@prefix": True} for prefix, iri in known.items()}}


def main() -> None:
    """Print the judgement."""
    prefixes = json.dumps(context())

    def get(address: str, **options: Any) -> Answer:
        return Answer("predicate mappings: []" if "predicate_mapping" in address else prefixes)

    web: Any = requests
    web.get = get
    bmt.Toolkit.__init__.__defaults__ = (MODEL, "predicate_mapping")
    from kgx.transformer import Transformer
    from kgx.utils.kgx_utils import get_toolkit
    from kgx.validator import Validator

    Validator._currently_active_toolkit = get_toolkit()
    judge = Validator(verbose=True)
    records = 0

    def inspect(kind: Any, record: Any) -> None:
        nonlocal records
        records += 1
        judge(kind, record)

    Transformer(stream=True).transform(
        input_args={"filename": sys.argv[1:3], "format": "tsv"}, output_args={"format": "null"}, inspector=inspect
    )
    faults = [message for kinds in judge.get_errors().values() for said in kinds.values() for message in said]
    print(json.dumps({"records": records, "faults": faults}))


if __name__ == "__main__":
    main()
