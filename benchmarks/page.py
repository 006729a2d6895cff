"""How long the page takes a reader: load, click to evidence, opening a box, a search in all texts.

    python benchmarks/page.py out/graph.html [MORE.html ...]

Times are medians in milliseconds, measured inside a headless Chromium; loading is timed in a fresh tab each time.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from statistics import median
from typing import Any

ROUNDS = 7
CLICKED = """async (number) => {
  const panel = document.getElementById("evidence");
  panel.replaceChildren();
  const node = document.querySelectorAll(".band")[number];
  const shown = new Promise((done) => {
    const look = () => panel.querySelector("article") && done(performance.now());
    new MutationObserver(look).observe(panel, { childList: true, subtree: true });
  });
  const start = performance.now();
  node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  return await shown - start;
}"""
DRAWN = """() => new Promise((done) => {
  const main = document.getElementById("main");
  const idle = () => main.getAttribute("aria-busy") ? requestAnimationFrame(idle) : done(performance.now());
  idle();
})"""
ACTED = """async ([selector, value]) => {
  const main = document.getElementById("main"), node = document.querySelector(selector);
  const start = performance.now();
  if (value === null) node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  else { node.value = value; node.dispatchEvent(new Event("input", { bubbles: true })); }
  await new Promise((done) => setTimeout(done, 125));
  while (main.getAttribute("aria-busy")) await new Promise((done) => setTimeout(done, 1));
  return performance.now() - start - 125;
}"""


def main() -> None:
    """Print one line a page."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name in sys.argv[1:]:
            print(f"{name}: {Path(name).stat().st_size / 1e6:.2f} MB; " + "; ".join(timed(browser, Path(name))))
        browser.close()


def timed(browser: Any, file: Path) -> list[str]:
    """What was measured of one page, in words."""
    load, click, opening, search = [], [], [], []
    for _ in range(ROUNDS):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{file.resolve().as_uri()}#view=flow")
        load.append(page.evaluate(DRAWN))
        bands = page.locator(".band").count()
        click += [page.evaluate(CLICKED, number) for number in range(0, bands, max(1, bands // 5))]
        if page.locator(".opener").count():
            opening.append(page.evaluate(ACTED, [".opener", None]))
        page.goto(f"{file.resolve().as_uri()}#view=flow")
        search.append(page.evaluate(ACTED, ["#words", "remission"]))
        page.close()
    named = (("load", load), ("click to evidence", click), ("open a box", opening), ("words", search))
    return [f"{what} {median(times):.0f} ms (at most {max(times):.0f})" for what, times in named if times]


if __name__ == "__main__":
    main()
