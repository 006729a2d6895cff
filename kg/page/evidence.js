// The panel of sentences: what stands behind a box, a band, a row, a neighbour or a step.

const FIRST = 20; // sentences shown at once
let turn = 0; // counts choices, so that a slow answer does not overwrite a later one

const inKey = (column, value, key) => (key === null ? true : column === 2 ? value === key : within(key)(value));
const matches = (f, pattern) => inKey(0, f.condition, pattern[0]) && inKey(1, f.intervention, pattern[1]) && inKey(2, f.outcome, pattern[2]);

function keyLabel(column, key) {
  if (column === 2) return outcomes[key].label;
  return key < 0 ? `${boxes[~key].label}, no kind named` : boxes[key].label;
}
const patternLabel = (pattern) => pattern.map((key, column) => (key === null ? null : keyLabel(column, key))).filter((label) => label !== null).join(" → ");

// Show the sentences of the facts; one entry for each outcome of a case, with all treatments and conditions it belongs to.
async function showEvidence(title, list, actions = []) {
  const mine = ++turn, panel = $("evidence");
  const entries = new Map();
  for (const f of list) {
    const key = `${f.kase}/${f.at}`;
    if (!entries.has(key)) entries.set(key, []);
    entries.get(key).push(f);
  }
  const groups = [...entries.values()];
  const box = el("div", {});
  const more = el("p", {});
  let shown = 0;
  async function next() {
    const part = groups.slice(shown, shown + FIRST);
    shown += part.length;
    const articles = await Promise.all(part.map(entry));
    if (mine !== turn) return;
    box.append(...articles);
    more.replaceChildren(...(shown < groups.length ? [button(`Show more: ${plural(groups.length - shown, "entry is", "entries are")} left`, next)] : []));
  }
  const cited = new Set(list.map((f) => cases[f.kase].report)).size;
  const summary = `${plural(count(list), "case")} of ${cases.length.toLocaleString("en")}, in ${plural(cited, "report")}; ${plural(groups.length, "outcome")}`;
  panel.replaceChildren(el("h2", {}, title), el("p", { role: "status" }, summary), ...(actions.length ? [el("p", { class: "actions" }, ...actions)] : []), box, more);
  panel.scrollTop = 0;
  await next();
}

async function entry(group) {
  const [f] = group, kase = cases[f.kase], about = reports[kase.report];
  const full = await fullReport(kase.report), { episodes } = fullCase(full, f.kase);
  const outcome = episodes[f.at], [, , start, end] = outcome.at;
  const marks = [[...outcome.at.slice(0, 2), "result"]];
  for (const g of group) {
    for (const [from, to, first] of placesOf(episodes[g.by])) if (first === start) marks.push([from, to, "treatment"]);
  }
  const treated = [...new Set(group.map((g) => episodes[g.by].label + (g.tied ? " (attributed)" : "")))].join(", ");
  const conditions = [...new Set(group.map((g) => boxes[g.condition].label))].join(", ");
  const node = el("article", {},
    quoted(full, about.language, start, end, marks),
    el("p", { class: "source" }, `${outcomes[f.outcome].label} after ${treated} – ${conditions}`),
    el("p", { class: "source" }, ...(about.title ? [words(about.title, about.language, "cite"), " · "] : []), `${about.id}, ${kase.name} · characters ${start}–${end} · `,
      button("whole report", () => openReport(kase.report, { kase: kase.at, episode: f.at }), { class: "plain" })));
  node.style.borderInlineStartColor = colour(f.outcome);
  return node;
}

// The quote and all further mentions of an episode: [start, end, start and end of the sentence].
const placesOf = (episode) => [episode.at, ...(episode.also ?? [])];

// A sentence of the report with some of its words marked.
function quoted(full, language, start, end, marks) {
  if (full.text === undefined) return el("p", { class: "source" }, "This page was written without the texts of the reports.");
  const text = words("", language, "p", { class: "quote" });
  let at = start;
  for (const [from, to, kind] of [...marks].sort((a, b) => a[0] - b[0])) {
    if (from < at || to > end) continue;
    text.append(slice(full, at, from), el("mark", { class: kind }, slice(full, from, to)));
    at = to;
  }
  text.append(slice(full, at, end));
  return text;
}

function idlePanel() {
  turn++;
  $("evidence").replaceChildren(el("h2", {}, "Evidence"), el("p", { class: "hint" }, "Choose a box, a band or a row to read the sentences behind it."));
}
