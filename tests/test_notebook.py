"""The example notebook, run as a reader runs it: every cell gives what the page shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
PICTURE = "image/svg+xml"


def outputs(notebook: dict[str, Any]) -> list[Any]:
    """What each cell of code gave, by kind of content; of a picture only that it is one, for it is as fonts are."""
    shown = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            said = [{"text": out.get("text"), **out.get("data", {})} for out in cell["outputs"]]
            for part in said:
                if PICTURE in part:
                    part[PICTURE] = "<svg" in "".join(part[PICTURE])
            shown.append([cell["source"], said])
    return shown


@pytest.mark.filterwarnings("default")
def test_the_notebook_gives_what_it_shows(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    import nbformat
    from nbclient import NotebookClient

    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    kept = json.loads(json.dumps(notebook))
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}, record_timing=False)
    client.execute()
    run = json.loads(json.dumps(notebook))
    run["metadata"] = kept["metadata"]
    if request.config.getoption("--update-golden"):
        NOTEBOOK.write_text(json.dumps(run, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    assert outputs(run) == outputs(kept)
    html = "".join("".join(out.get("text/html", "")) for _, said in outputs(run) for out in said)
    assert all(words in html for words in ("not effect sizes", "etoposide", "SHACL: conforms"))
    assert any(part.get(PICTURE) for _, said in outputs(run) for part in said)
