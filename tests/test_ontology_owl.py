"""The ontology as OWL: in the profile OWL 2 DL as OWLAPI judges it, and free of contradiction as HermiT finds it.

Both need Java, and OWLAPI comes with Debian (libowlapi-java); the tests are skipped where they are not there.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import owlready2
import pyoxigraph as ox
import pytest

from kg import resources
from kg.store import Store
from tests.conftest import ROOT

JARS = Path("/usr/share/java")
ONTOLOGY = resources.folder("ontology")
CASEKG = "https://w3id.org/casekg/ontology#"
XSD = "http://www.w3.org/2001/XMLSchema#"
NOT_OWL = {f"{XSD}{name}" for name in ("duration", "gYear", "gYearMonth", "date")}  # datatypes that OWL 2 leaves out

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java on this machine")


@pytest.fixture(autouse=True)
def short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Java that does not prepare itself for long work: half the time."""
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


@needs_java
@pytest.mark.skipif(
    not (JARS / "owlapi-api.jar").is_file(), reason="OWLAPI is not installed: apt install libowlapi-java"
)
def test_the_ontology_and_all_vocabularies_are_owl_2_dl(tmp_path: Path) -> None:
    triples = [q.triple for path in sorted(ONTOLOGY.rglob("*.ttl")) for q in ox.parse(path=path)]
    together = tmp_path / "together.ttl"
    ox.serialize(triples, together, format=ox.RdfFormat.TURTLE)
    done = subprocess.run(
        ["java", "-cp", f"{JARS}/*", str(ROOT / "tests" / "java" / "OwlProfile.java"),
         str(ONTOLOGY / "casekg.ttl"), str(together)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def consistent(quads: Iterable[ox.Quad | ox.Triple]) -> bool:
    """Whether HermiT finds no contradiction in what the quads say."""
    triples = [
        ox.Triple(q.subject, q.predicate, q.object)
        for q in quads
        if not (isinstance(q.object, ox.Literal) and q.object.datatype.value in NOT_OWL)
    ]
    world = owlready2.World()
    data = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b""
    world.get_ontology("https://w3id.org/casekg/test").load(fileobj=io.BytesIO(data))
    try:
        owlready2.sync_reasoner_hermit(world, debug=0)
    except owlready2.OwlReadyInconsistentOntologyError:
        return False
    return not list(world.inconsistent_classes())


@pytest.fixture(scope="module")
def ontology() -> list[ox.Quad]:
    return list(ox.parse(path=ONTOLOGY / "casekg.ttl"))


def graph(store: Store) -> Iterator[ox.Quad]:
    return (q for name in store.graphs() if name.startswith(store.base) for q in store.quads(name))


@needs_java
def test_the_graph_of_reports_does_not_contradict_the_ontology(ontology: list[ox.Quad], invented: Store) -> None:
    assert consistent([*ontology, *graph(invented)])


@needs_java
def test_a_contradiction_would_be_found(ontology: list[ox.Quad]) -> None:
    """An episode belongs to a case, and no case is a link."""
    link, episode = ox.NamedNode("https://example.net/link"), ox.NamedNode("https://example.net/episode")
    kind = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    wrong = [
        ox.Triple(episode, ox.NamedNode(f"{CASEKG}case"), link),
        ox.Triple(link, kind, ox.NamedNode(f"{CASEKG}Link")),
    ]
    assert not consistent([*ontology, *wrong])
