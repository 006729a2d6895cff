"""Other people's programs, judging exports: ``VALIDATORS[format].judge(file)`` gives records and faults.

rapper is Raptor's (Debian: raptor2-utils). sssom and kgx stand in an environment of their own, which ``make
.venv/foreign`` makes; the schema of FHIR comes with ``make .venv/validators``. A program that is not there raises
FileNotFoundError.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["VALIDATORS", "VENV", "Judgement", "Validator", "missing", "terms"]

VENV = Path(__file__).parents[1] / ".venv"
FOREIGN = VENV / "foreign" / "bin"
_EVERY = 50  # of the graphs of JSON-LD: rdflib takes a quarter of an hour for all of 8,800


class Judgement(NamedTuple):
    """How many records were checked, and what is wrong with them."""

    records: int
    faults: list[str]


class Validator(NamedTuple):
    """Whose program it is, and the function that runs it on a file."""

    name: str
    judge: Callable[[Path], Judgement]


def lines(file: Path) -> Iterator[str]:
    """The lines of a file, which end in a line feed and nothing else."""
    with file.open(encoding="utf-8", newline="\n") as opened:
        yield from opened


# --- RDF --------------------------------------------------------------------------------------------------------------


def rapper(syntax: str) -> Callable[[Path], Judgement]:
    """Raptor's parser of one syntax; what it warns of is a fault too."""

    def judge(file: Path) -> Judgement:
        command = ["rapper", "--count", "--input", syntax, str(file), "https://example.org/"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        count = re.search(r"returned (\d+) ", done.stderr)
        return Judgement(int(count[1]) if count else 0, re.findall(r"^rapper: (?:Error|Warning).*", done.stderr, re.M))

    return judge


def jsonld(file: Path) -> Judgement:
    """rdflib's JSON-LD processor on every 50th graph, with the context of the whole: each value is a triple."""
    from rdflib import Dataset

    faults, checked, every = [], 0, lines(file)
    context = json.loads(next(every).rstrip(",\n") + "}")["@context"]
    for line in islice((line for line in every if line.startswith("{")), 1, None, _EVERY):
        graph = json.loads(line.rstrip(",\n"))
        values = sum(
            len(value) if isinstance(value, list) else 1
            for node in graph["@graph"]
            for key, value in node.items()
            if key != "@id"
        )
        data = Dataset()
        data.parse(data=json.dumps({"@context": context, **graph}), format="json-ld")
        checked += values
        if len(data) != values:
            faults.append(f"{graph['@id']}: {values} values are read as {len(data)} triples")
    return Judgement(checked, faults)


def void(file: Path) -> Judgement:
    """rdflib reads it, and what it counts by property makes up the whole."""
    from rdflib import Graph, URIRef

    graph = Graph().parse(file, format="turtle")
    counted = {str(s): int(str(o)) for s, o in graph.subject_objects(URIRef("http://rdfs.org/ns/void#triples"))}
    whole = max(counted.values())
    parts = sum(counted.values()) - whole
    return Judgement(len(graph), [] if parts == whole else [f"{parts} triples by property, {whole} in all"])


# --- clinical ---------------------------------------------------------------------------------------------------------

REQUIRED = {  # what the documents of the phenopacket schema demand and protobuf does not
    "": ("id", "metaData"),
    "metaData": ("created", "createdBy", "resources", "phenopacketSchemaVersion"),
    "resources": ("id", "name", "url", "version", "namespacePrefix", "iriPrefix"),
    "subject": ("id",),
    "diseases": ("term",),
    "phenotypicFeatures": ("type",),
    "term": ("id", "label"), "type": ("id", "label"), "agent": ("id", "label"), "code": ("id", "label"),
    "treatmentTarget": ("id", "label"), "responseToTreatment": ("id", "label"), "adverseEvents": ("id", "label"),
    "treatment": ("agent",), "procedure": ("code",), "vitalStatus": ("status",), "externalReferences": ("id",),
}  # fmt: skip


def missing(value: Any, place: str = "") -> Iterator[str]:
    """The fields that a phenopacket must have and has not."""
    if isinstance(value, list):
        for one in value:
            yield from missing(one, place)
    elif isinstance(value, dict):
        yield from (f"{place}.{name}" for name in REQUIRED.get(place, ()) if not value.get(name))
        for name, one in value.items():
            yield from missing(one, name)


def terms(value: Any) -> Iterator[dict[str, str]]:
    """Every OntologyClass of a phenopacket."""
    if isinstance(value, dict) and value.keys() == {"id", "label"}:
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from terms(one)


def phenopackets(file: Path) -> Judgement:
    """The protobuf classes of GA4GH take each and give the same back; its fields and resources are complete."""
    from google.protobuf import json_format
    from phenopackets import Phenopacket

    faults, records = [], 0
    for line in lines(file):
        packet = json.loads(line)
        records += 1
        try:
            if json_format.MessageToDict(json_format.ParseDict(packet, Phenopacket())) != packet:
                faults.append(f"{packet['id']}: protobuf gives another back")
        except json_format.ParseError as error:
            faults.append(f"{packet['id']}: {error}")
        faults += [f"{packet['id']}: no {field}" for field in missing(packet)]
        used = {term["id"].partition(":")[0] for term in terms(packet)}
        known = {resource["namespacePrefix"] for resource in packet["metaData"]["resources"]}
        faults += [f"{packet['id']}: no resource for {prefix}" for prefix in used - known]
    return Judgement(records, faults)


def fhir(file: Path) -> Judgement:
    """The JSON schema of FHIR R4."""
    import jsonschema_rs

    definitions = json.loads((VENV / "validators" / "fhir.schema.json").read_text(encoding="utf-8"))["definitions"]
    schema = jsonschema_rs.Draft6Validator({"definitions": definitions, "$ref": "#/definitions/Bundle"})
    faults, records = [], 0
    for line in lines(file):
        bundle = json.loads(line)
        records += len(bundle["entry"])
        faults += [f"{bundle['identifier']['value']}: {error}" for error in schema.iter_errors(bundle)]
    return Judgement(records, faults)


def kgx(file: Path) -> Judgement:
    """KGX's own validator, with the Biolink Model of its wheel in place of what it would load from the web."""
    script = Path(__file__).with_name("judge_kgx.py")
    with tempfile.TemporaryDirectory(prefix="casekg-") as folder:
        with zipfile.ZipFile(file) as packed:
            packed.extractall(folder)
        tables = [str(Path(folder) / name) for name in ("nodes.tsv", "edges.tsv")]
        command = [str(FOREIGN / "python"), str(script), *tables]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    return Judgement(found["records"], found["faults"])


def sssom(file: Path) -> Judgement:
    """sssom-py's validator; rows that it will not take are named on standard error."""
    command = [str(FOREIGN / "sssom"), "validate", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    faults = [line for line in done.stderr.splitlines() if "rror" in line]
    if done.returncode and not faults:
        faults = [done.stderr.strip() or "sssom validate failed"]
    rows = sum(not line.startswith("#") for line in lines(file)) - 1
    return Judgement(rows, faults)


# --- tables -----------------------------------------------------------------------------------------------------------


def tables(suffix: str) -> Callable[[Path], Judgement]:
    """pyarrow reads every table; what points to a row of another table finds it there."""
    episodes = ("condition", "intervention", "outcome", "finding")
    leads: dict[tuple[str, str], tuple[str, ...]] = {
        ("case", "report"): ("report",),
        ("evidence", "report"): ("report",),
        ("evidence", "sentence"): ("evidence",),
    }
    leads |= {(kind, "case"): ("case",) for kind in (*episodes, "link")}
    leads |= {(kind, "evidence"): ("evidence",) for kind in (*episodes, "link")}
    leads |= {("link", end): episodes for end in ("source", "target")}

    def judge(file: Path) -> Judgement:
        with zipfile.ZipFile(file) as packed:
            found = {name.partition(".")[0]: read(packed, name, suffix) for name in packed.namelist()}
        keys = {name: set(table[name].to_pylist()) for name, table in found.items()}
        faults = [f"{name}: two rows of one name" for name, table in found.items() if len(keys[name]) != len(table)]
        for (name, column), others in leads.items():
            lost = set(found[name][column].to_pylist()).difference(*(keys[other] for other in others))
            faults += [f"{name}.{column}: no row {key}" for key in lost]
        return Judgement(sum(map(len, found.values())), faults)

    return judge


def read(packed: zipfile.ZipFile, name: str, suffix: str) -> Any:
    """One table of an archive, by pyarrow."""
    import pyarrow.csv
    import pyarrow.parquet

    with packed.open(name) as file:
        if suffix == "parquet":
            import pyarrow as pa

            return pyarrow.parquet.read_table(pa.BufferReader(file.read()))
        return pyarrow.csv.read_csv(file, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True))


def neo4j(file: Path) -> Judgement:
    """pyarrow reads both tables; the header is that of the bulk import, and relationships lead from node to node."""
    with zipfile.ZipFile(file) as packed:
        nodes, relationships = (read(packed, name, "csv") for name in ("nodes.csv", "relationships.csv"))
    known = set(nodes["iri:ID"].to_pylist())
    faults = ["two nodes of one name"] if len(known) != len(nodes) else []
    if relationships.column_names != [":START_ID", ":END_ID", ":TYPE"] or nodes.column_names[-1] != ":LABEL":
        faults.append("the header is not that of neo4j-admin")
    for end in (":START_ID", ":END_ID"):
        faults += [f"no node {key}" for key in set(relationships[end].to_pylist()) - known]
    return Judgement(len(nodes) + len(relationships), faults)


# --- graphs -----------------------------------------------------------------------------------------------------------


def network(form: str) -> Callable[[Path], Judgement]:
    """networkx reads it; a node without attributes is one that an edge alone names."""

    def judge(file: Path) -> Judgement:
        import networkx as nx

        if form == "graphml":
            graph: Any = nx.read_graphml(file, force_multigraph=True)
        elif form == "gexf":
            graph = nx.read_gexf(file)
        else:
            graph = nx.cytoscape_graph(json.loads(file.read_text(encoding="utf-8")))
        bare = [f"no node {node}" for node, said in graph.nodes(data=True) if not said]
        return Judgement(graph.number_of_nodes() + graph.number_of_edges(), bare)

    return judge


def named(forms: Iterable[str]) -> dict[str, Validator]:
    """networkx for each of these formats."""
    return {form: Validator("networkx", network(form)) for form in forms}


VALIDATORS = {
    "ttl": Validator("Raptor", rapper("turtle")),
    "trig": Validator("Raptor", rapper("trig")),
    "nq": Validator("Raptor", rapper("nquads")),
    "nt": Validator("Raptor", rapper("ntriples")),
    "jsonld": Validator("rdflib, every 50th graph", jsonld),
    "void": Validator("rdflib", void),
    "phenopackets": Validator("GA4GH's protobuf classes", phenopackets),
    "fhir": Validator("JSON schema of FHIR R4", fhir),
    "kgx": Validator("kgx validate", kgx),
    "csv": Validator("pyarrow", tables("csv")),
    "parquet": Validator("pyarrow", tables("parquet")),
    "neo4j": Validator("pyarrow", neo4j),
    "sssom": Validator("sssom validate", sssom),
    **named(("graphml", "gexf", "cytoscape")),
}
