"""Phenopackets, FHIR and KGX, judged by their own makers' schemas: protobuf classes, the R4 JSON schema, Biolink.

``make .venv/validators`` fetches what no package for Python holds; a test says so where it is not there.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from google.protobuf import json_format
from phenopackets import Phenopacket

from benchmarks.validators import VENV, missing, terms
from kg import build, exporters, open_store
from kg.reports import Reports
from kg.store import Store
from tests.invented import store_of_reports, understood

VALIDATORS = VENV / "validators"
_MOMENT = "1700000000"


def validator(name: str) -> Path:
    if not (VALIDATORS / name).is_file():
        pytest.skip(f"{name} is not there: run 'make .venv/validators'")
    return VALIDATORS / name


@pytest.fixture(scope="module", params=["seeds", "invented", "corpus"])
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The seeds, the invented reports, or some real reports of the shared data."""
    if request.param == "invented":
        yield request.getfixturevalue("invented")
        return
    if request.param == "seeds":
        out = request.getfixturevalue("built")
    else:
        out = tmp_path_factory.mktemp("clinical")
        cases = request.getfixturevalue("shared") / "corpora" / "cases.jsonl.gz"
        with gzip.open(cases, "rt", encoding="utf-8") as lines:
            (out / "some.jsonl").write_text("".join(islice(lines, 0, 4000, 100)), encoding="utf-8")
        build([out / "some.jsonl"], out)
    with open_store(out / "store", read_only=True) as store:
        yield store


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", _MOMENT)


@cache
def written(store: Store, form: str, *, text: bool = True) -> bytes:
    """An export; made once, since every test looks at the same."""
    out = io.BytesIO()
    exporters.export(store, out, form, text=text)
    return out.getvalue()


def records(store: Store, form: str, *, text: bool = True) -> list[Any]:
    return [json.loads(line) for line in written(store, form, text=text).decode().split("\n") if line]


# --- phenopackets -----------------------------------------------------------------------------------------------------


def test_phenopackets_are_what_their_schema_says(graph: Store) -> None:
    packets = records(graph, "phenopackets")
    assert len(packets) == sum(len(report.cases) for report in Reports(graph))
    for packet in packets:
        message = json_format.ParseDict(packet, Phenopacket())
        assert json_format.MessageToDict(message) == packet
        assert not list(missing(packet))
        used = {term["id"].partition(":")[0] for term in terms(packet)}
        assert used | {"ckv"} == {resource["namespacePrefix"] for resource in packet["metaData"]["resources"]}


def test_a_response_goes_with_the_condition_that_it_is_of(built: Path) -> None:
    """In seed 004 antithymocyte globulin was given for an anemia; the remission tied to it is of the leukemia."""
    with open_store(built / "store", read_only=True) as store:
        actions = [a for packet in records(store, "phenopackets") for a in packet.get("medicalActions", ())]
    by_agent = {a["treatment"]["agent"]["label"]: a for a in actions if "agent" in a.get("treatment", ())}
    globulin, vincristine = by_agent["antithymocyte globulin"], by_agent["vincristine"]
    assert globulin["treatmentTarget"]["label"] == "hypoplastic leukemia"
    assert globulin["responseToTreatment"] == {"id": "NCIT:C4870", "label": "complete remission"}
    assert vincristine["responseToTreatment"] == {"id": "category:no_response", "label": "no response"}


# --- FHIR -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Draft6Validator:
    whole = json.loads(validator("fhir.schema.json").read_text(encoding="utf-8"))
    return jsonschema_rs.Draft6Validator({"definitions": whole["definitions"], "$ref": "#/definitions/Bundle"})


def test_bundles_are_what_the_r4_schema_says(graph: Store, schema: jsonschema_rs.Draft6Validator) -> None:
    bundles = records(graph, "fhir")
    assert len(bundles) == sum(bool(report.cases) for report in Reports(graph))
    for bundle in bundles:
        assert [str(error) for error in schema.iter_errors(bundle)] == []
    faulty = json.loads(json.dumps(bundles[0]))
    faulty["entry"][2]["resource"]["gender"] = "nonsense"
    assert not schema.is_valid(faulty), "the validator sees a fault"


def test_references_stay_within_the_bundle_and_everything_has_its_provenance(graph: Store) -> None:
    for bundle in records(graph, "fhir"):
        resources = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
        assert len(resources) == len(bundle["entry"])
        assert set(references(bundle)) <= resources.keys()
        targets = {t for r in resources.values() if r["resourceType"] == "Provenance" for t in references(r["target"])}
        facts = {url for url, r in resources.items() if r["resourceType"] in FACTS}
        assert targets == facts


FACTS = {"Condition", "MedicationAdministration", "Procedure", "Observation"}
CARDINALITIES = {  # of what is 1..1 or 1..* in R4 and has no place in the JSON schema
    "MedicationAdministration": ("status", "medicationCodeableConcept", "effectivePeriod"),
    "Procedure": ("status",), "Observation": ("status",), "DocumentReference": ("status",), "Provenance": ("recorded",),
    "Bundle": ("type",),
}  # fmt: skip


def references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name == "reference":
                yield one
            else:
                yield from references(one)


def test_what_r4_demands_beside_its_schema_is_there(graph: Store) -> None:
    for bundle in records(graph, "fhir"):
        for resource in [bundle, *(entry["resource"] for entry in bundle["entry"])]:
            assert not [n for n in CARDINALITIES.get(resource["resourceType"], ()) if n not in resource]


def test_provenance_quotes_the_text_unless_told_not_to(graph: Store) -> None:
    texts = [re.sub(r"[^\S \r\n\t]", " ", report.text) for report in Reports(graph)]

    def quotes(text: bool) -> list[str]:
        return [
            extension["valueString"]
            for bundle in records(graph, "fhir", text=text)
            for entry in bundle["entry"]
            for entity in entry["resource"].get("entity", ())
            for extension in entity["extension"]
            if extension["url"] == "http://www.w3.org/ns/oa#exact"
        ]

    quoted = quotes(True)
    assert quoted and not [quote for quote in quoted if not any(quote in text for text in texts)]
    assert not quotes(False)


# --- KGX --------------------------------------------------------------------------------------------------------------


def kgx(store: Store, *, text: bool = True) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    with zipfile.ZipFile(io.BytesIO(written(store, "kgx", text=text))) as packed:
        nodes, edges = (packed.read(f"{name}.tsv").decode().splitlines() for name in ("nodes", "edges"))

    def rows(lines: list[str]) -> list[dict[str, str]]:
        header, *cells = [line.split("\t") for line in lines]
        return [dict(zip(header, row, strict=True)) for row in cells]

    return rows(nodes), rows(edges)


@pytest.fixture(scope="module")
def biolink() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    model: dict[str, Any] = yaml.load(validator("biolink_model.yaml").read_text(encoding="utf-8"), loader)
    return model


def camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split())


class Model:
    """Classes, predicates and enumerations of the Biolink Model by their written names."""

    def __init__(self, model: dict[str, Any]) -> None:
        self.classes = {f"biolink:{camel(n)}": (n, said or {}) for n, said in model["classes"].items()}
        self.prefixes = {*model["prefixes"]}.union(*(said.get("id_prefixes", ()) for _, said in self.classes.values()))
        self.names = {n: said or {} for n, said in model["classes"].items()}
        self.slots = {n.replace(" ", "_"): said or {} for n, said in model["slots"].items()}
        self.enums = {
            n: set(said["permissible_values"]) for n, said in model["enums"].items() if "permissible_values" in said
        }

    def above(self, name: str, known: dict[str, Any]) -> set[str]:
        said = known.get(name, {})
        parents = [p for p in (said.get("is_a"), *said.get("mixins", ())) if p]
        return {name}.union(*(self.above(p, known) for p in parents))

    def fits(self, category: str, wanted: str | None) -> bool:
        return wanted is None or wanted in self.above(self.classes[category][0], self.names)


def test_kgx_holds_terms_of_biolink_and_no_claim_that_a_treatment_works(graph: Store, biolink: dict[str, Any]) -> None:
    model = Model(biolink)
    nodes, edges = kgx(graph)
    categories = {node["id"]: node["category"] for node in nodes}
    assert len(categories) == len(nodes) and edges
    assert set(categories.values()) <= model.classes.keys()
    assert all(re.fullmatch(r"[^ <()>:]+:[^/ :]+", name) for name in categories), "what KGX takes for a CURIE"
    assert {name.partition(":")[0] for name in categories} <= model.prefixes | {"id", "ckv"}
    assert {node["iri"] for node in nodes} - {""} == {case.iri for report in Reports(graph) for case in report.cases}
    assert "biolink:applied_to_treat" in {edge["predicate"] for edge in edges}
    assert "biolink:treats" not in {edge["predicate"] for edge in edges}
    for edge in edges:
        slot = model.slots[edge["predicate"].removeprefix("biolink:")]
        assert model.fits(categories[edge["subject"]], slot.get("domain")), edge
        assert model.fits(categories[edge["object"]], slot.get("range")), edge
        assert "association" in model.above(model.classes[edge["category"]][0], model.names)
        assert edge["knowledge_level"] in model.enums["KnowledgeLevelEnum"]
        assert edge["agent_type"] in model.enums["AgentTypeEnum"]
        assert edge["primary_knowledge_source"] and edge["publications"] and edge["supporting_text"]
    own = {"reported_outcome"}
    assert {*edges[0], *nodes[0]} - own - {"id", "category", "name"} <= model.slots.keys()


def test_kgx_says_which_outcome_was_reported(graph: Store) -> None:
    nodes, edges = kgx(graph)
    names = {node["id"]: node["name"] for node in nodes}
    applied = [
        (names[e["subject"]], names[e["object"]], outcome)
        for e in edges
        if e["predicate"] == "biolink:applied_to_treat"
        for outcome in e["reported_outcome"].split("|")
    ]
    concepts = {e["original_subject"]: e["subject"] for e in edges}
    if "ckv:etoposide" in concepts:
        assert concepts["ckv:etoposide"].partition(":")[0] != "ckv", "it goes by a code that others know"
    if any(node["name"] == "hypoplastic leukemia" for node in nodes):
        assert ("etoposide", "hypoplastic leukemia", "category:complete_remission") in applied
        assert ("vincristine", "hypoplastic leukemia", "category:no_response") in applied
    assert not any(edge["supporting_text"] for edge in kgx(graph, text=False)[1])


# --- all three --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["phenopackets", "fhir", "kgx"])
def test_what_was_left_out_is_counted(form: str, graph: Store) -> None:
    again = io.BytesIO()
    left = exporters.export(graph, again, form)
    assert all(count > 0 for count in left.values())
    assert again.getvalue() == written(graph, form), "equal graphs are equal bytes at equal times"


@pytest.mark.parametrize("form", ["phenopackets", "fhir", "kgx"])
def test_what_is_not_the_patients_is_never_stated(form: str) -> None:
    named = {"gout": "present", "measles": "family", "lymphoma": "hypothetical", "sepsis": "historical"}
    conditions = [
        {"id": f"c{n}", "quote": name, "concept": f"ckv:{name}", "role": "comorbidity", "assertion": said}
        for n, (name, said) in enumerate(named.items(), 1)
    ]
    told = {"id": "x", "title": "A title", "published": "2001", "text": f"He had {', '.join(named)}.", "patient": {}}
    report = understood({**told, "conditions": conditions, "interventions": [], "outcomes": []})
    with store_of_reports([report]) as store:
        stated = written(store, form, text=False)
    if form == "kgx":
        with zipfile.ZipFile(io.BytesIO(stated)) as packed:
            stated = b"".join(map(packed.read, packed.namelist()))
    assert [name for name in named if name.encode() in stated] == ["gout"]
