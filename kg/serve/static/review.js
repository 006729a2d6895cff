"use strict";
// Words that are marked in the text go into the form that adds a fact, with their place in code points.
document.addEventListener("selectionchange", () => {
  const selection = document.getSelection(), text = document.getElementById("text");
  if (!selection.rangeCount || selection.isCollapsed) return;
  const range = selection.getRangeAt(0);
  if (!text.contains(range.startContainer) || !text.contains(range.endContainer)) return;
  const piece = range.startContainer.parentElement.closest("[data-start]");
  if (!piece) return;
  const before = document.createRange();
  before.setStart(piece, 0);
  before.setEnd(range.startContainer, range.startOffset);
  document.getElementById("add-words").value = range.toString();
  document.getElementById("add-start").value = Number(piece.dataset.start) + [...before.toString()].length;
});
document.getElementById("add-words").addEventListener("input", () => { document.getElementById("add-start").value = ""; });
