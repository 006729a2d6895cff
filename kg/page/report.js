// One report with its facts marked in place: the page on which a reader decides whether to trust them.

const LIST = 50; // reports of a list
const LINKS = { for: ["given for", "treated with"], of: ["of", "outcome"], after: ["after", "followed by"], attributedTo: ["attributed by the authors to", "credited with"], partOf: ["part of", "consists of"] };
const KIND_NAMES = { condition: "condition", intervention: "treatment", outcome: "outcome", finding: "finding" };

function openReport(number, pick = null) {
  state.view = "report";
  state.report = number;
  wanted = pick;
  draw(true).then(() => $("view-report").querySelector("h2")?.focus());
}
let wanted = null; // case and episode to point at once the report is drawn

async function drawReports(list) {
  if (state.report !== null) return drawReport(state.report);
  const numbers = await visibleReports(list);
  const first = Math.min(state.page, Math.max(0, Math.ceil(numbers.length / LIST) - 1)) * LIST;
  const view = $("view-report");
  view.replaceChildren(pager(numbers.length, first, LIST, "report"), el("ul", { class: "reports" }, ...numbers.slice(first, first + LIST).map((number) => {
    const { id, title, language, year } = reports[number];
    const node = button("", () => openReport(number), { class: "plain" });
    node.append(words(title || id, language));
    const about = [title ? id : "", year, ...reports[number].cases.map(inShort)].filter(Boolean).join(" · ");
    return el("li", {}, node, el("div", { class: "source" }, about));
  })));
}

// A case in a line: who, with what, treated how, with which outcome; the first three of each.
function inShort(kase) {
  const { held } = cases[kase];
  const few = (list, label) => list.slice(0, 3).map(label).join(", ") + (list.length > 3 ? " …" : "");
  const parts = [few(held[0], (n) => boxes[n].label), few(held[1], (n) => boxes[n].label), few(held[2], (n) => outcomes[n].label)];
  return `${personOf(cases[kase])}: ${parts.filter(Boolean).join(" → ")}`;
}

async function drawReport(number) {
  const view = $("view-report"), { id, title, language } = reports[number], full = await fullReport(number);
  const held = full.cases ?? [];
  const facts = held.flatMap((kase, k) => [
    ...(kase.spans ?? []).map((span) => ({ k, kind: "patient", spans: [span] })),
    ...kase.episodes.map((episode, at) => ({ k, at, kind: episode.kind, stated: episode.stated, spans: placesOf(episode).map((place) => place.slice(0, 2)) }))]);
  const select = (k, at) => pointAt(number, full, k, at);
  const heading = words(title || id, language, "h2", { tabindex: "-1" });
  const about = Object.entries(full.about ?? {}).map(([name, value]) => el("div", {}, el("dt", {}, name), words(value, "", "dd")));
  const text = full.text === undefined ? el("p", {}, "This page was written without the texts of the reports.") : marked(full, language, facts, select);
  const width = Math.max(300, Math.round(view.clientWidth || 800));
  view.replaceChildren(
    ...(reports.length > 1 ? [el("p", {}, button("◂ all reports", () => { state.report = null; draw(true); }))] : []),
    heading,
    el("dl", { class: "about" }, el("div", {}, el("dt", {}, "id"), el("dd", {}, id)), ...about),
    ...(full.skip ? [el("p", {}, `No case was found in this report: ${full.skip}.`)] : []),
    legend(), text,
    ...held.flatMap((_, k) => {
      const kase = reports[number].cases[k], chart = courseChart(kase, full, width, (at) => select(k, at));
      return [el("h3", {}, `Course of ${cases[kase].name}`),
        el("p", { class: "note" }, "Steps stand in the order told; their distance is no time. Solid: stated. Dotted: not known. Thick joins: the authors attribute the outcome to the treatment. Under “?”: what stands in no order."),
        el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Course of ${cases[kase].name}` }, chart),
        el("p", {}, button("Save as SVG", () => save(chart, `${id}-${cases[kase].name}`))),
        factTable(full, kase, (at) => select(k, at))];
    }));
  if (wanted) select(wanted.kase, wanted.episode);
  else if (turn === 0 || !$("evidence").dataset.report) idleReport();
  wanted = null;
}

function idleReport() {
  turn++;
  $("evidence").replaceChildren(el("h2", {}, "Fact"), el("p", { class: "hint" }, "Point at marked words, or walk to them with the tab key, to see what was understood of them and what it is linked with."));
}

function legend() {
  return el("ul", { class: "kinds", "aria-label": "How facts are marked" },
    ...["patient", "condition", "intervention", "outcome", "finding"].map((kind) => el("li", {}, el("span", { class: `fact ${kind}` }, KIND_NAMES[kind] ?? "age and sex"))),
    el("li", {}, el("span", { class: "fact condition absent" }, "stated to be absent")),
    el("li", {}, el("span", { class: "fact condition unsure" }, "possible, planned, of others")));
}

// The text with all facts marked. Where facts overlap, the shorter one gives the colour and all of them answer.
function marked(full, language, facts, select) {
  const cuts = new Set(), holds = [];
  for (const fact of facts) for (const [start, end] of fact.spans) { cuts.add(start).add(end); holds.push({ fact, start, end }); }
  const length = full.points ? full.points.length : full.text.length;
  const edges = [...new Set([0, ...cuts, length])].filter((at) => at <= length).sort((a, b) => a - b);
  const text = words("", language, "div", { class: "text" });
  for (let n = 0; n + 1 < edges.length; n++) {
    const [start, end] = [edges[n], edges[n + 1]];
    const over = holds.filter((hold) => hold.start <= start && end <= hold.end).sort((a, b) => a.end - a.start - (b.end - b.start));
    if (!over.length) { text.append(slice(full, start, end)); continue; }
    const [{ fact }] = over, named = over.find((hold) => hold.fact.at !== undefined)?.fact;
    const kinds = [...new Set(over.map((hold) => hold.fact.kind))].map((kind) => KIND_NAMES[kind] ?? "age or sex");
    const begins = over.some((hold) => hold.start === start);
    const status = !fact.stated ? "" : fact.stated === "absent" ? " absent" : " unsure";
    const node = el("span", { class: `fact ${fact.kind}${status}${over.length > 1 ? " several" : ""}` }, slice(full, start, end));
    node.dataset.facts = over.map((hold) => `${hold.fact.k}/${hold.fact.at ?? "patient"}`).join(" ");
    if (named) {
      if (begins) { node.tabIndex = 0; node.setAttribute("role", "button"); node.setAttribute("aria-label", `${slice(full, start, end)}: ${kinds.join(", ")}${fact.stated ? `, ${fact.stated}` : ""}`); }
      for (const event of ["mouseenter", "focus"]) node.addEventListener(event, () => { if (!pinned || event === "focus") select(named.k, named.at); });
      press(node, () => { pinned = true; select(named.k, named.at); });
    }
    text.append(node);
  }
  text.addEventListener("mouseleave", () => { pinned = false; });
  return text;
}
let pinned = false; // a click keeps a fact in the panel while the mouse moves over others

// Show a fact in the panel, its words and those of what it is linked with in the text.
function pointAt(number, full, k, at) {
  turn++;
  const kase = reports[number].cases[k], { links } = full.cases[k];
  const linked = new Set(links.flatMap(([from, to]) => (from === at ? [to] : to === at ? [from] : [])));
  for (const node of $("view-report").querySelectorAll(".text .fact")) {
    const ids = node.dataset.facts.split(" ");
    node.classList.toggle("on", ids.includes(`${k}/${at}`));
    node.classList.toggle("linked", ids.some((id) => id.startsWith(`${k}/`) && linked.has(Number(id.slice(id.indexOf("/") + 1)))));
  }
  $("evidence").replaceChildren(...episodeNodes(kase, full, at, (other) => pointAt(number, full, k, other)));
  $("evidence").dataset.report = number;
}

// What was understood of an episode: what it is, its words, its links with their sentences.
// ``go`` leads to another episode of the case.
function episodeNodes(kase, full, at, go) {
  const { episodes, links } = fullCase(full, kase), episode = episodes[at], { language } = reports[cases[kase].report];
  const facts = [["what", [KIND_NAMES[episode.kind], episode.as].filter(Boolean).join(", ")], ["status", episode.stated ?? "present"],
    ["concept", episode.kind === "outcome" ? `category:${episode.code}` : episode.concept ?? "not in a vocabulary"], ["time", timeOf(episode)],
    ["order", episode.stated || episode.kind === "finding" ? "" : episode.step === undefined ? "not told" : `step ${episode.step + 1}`], ["notes", (episode.notes ?? []).join("; ")],
    ["characters", placesOf(episode).map(([start, end]) => `${start}–${end}`).join(", ")]];
  const [start, end, from, to] = episode.at;
  const mine = links.filter(([a, b]) => a === at || b === at);
  const groups = new Map(); // links of one kind that rest on one sentence
  for (const [a, b, type, ...span] of mine) {
    const name = LINKS[type][a === at ? 0 : 1], key = `${name} ${span}`;
    if (!groups.has(key)) groups.set(key, { name, span, others: [] });
    groups.get(key).others.push(a === at ? b : a);
  }
  const items = [...groups.values()].sort((a, b) => a.name.localeCompare(b.name, "en")).map(({ name, span, others }) => {
    const item = el("li", {}, el("strong", {}, `${name} `));
    others.sort((a, b) => a - b).forEach((other, n) => item.append(n ? ", " : "", button(episodes[other].label, () => go(other), { class: "plain" })));
    if (span[0] !== from) item.append(quoted(full, language, span[0], span[1], []));
    return item;
  });
  return [el("h2", {}, episode.label), quoted(full, language, from, to, [[start, end, episode.kind === "outcome" ? "result" : "treatment"]]),
    el("dl", { class: "about" }, ...facts.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    el("h3", {}, mine.length ? "Linked" : "Linked with nothing"), el("ul", { class: "links" }, ...items),
    el("p", { class: "source" }, `kg explain ${full.iri}/${cases[kase].name}/${episode.name}`)];
}

function factTable(full, kase, select) {
  const { episodes } = fullCase(full, kase);
  const row = (episode, at) => el("tr", { class: episode.stated === "absent" ? "absent" : null }, el("td", {}, KIND_NAMES[episode.kind]), el("td", {}, button(episode.label, () => select(at), { class: "plain" })),
    el("td", {}, episode.as ?? ""), el("td", {}, episode.stated ?? "present"));
  return el("details", {}, el("summary", {}, `All ${plural(episodes.length, "fact")} of ${cases[kase].name} as a table`),
    el("table", {}, el("thead", {}, el("tr", {}, ...["Kind", "Fact", "As", "Status"].map((label) => el("th", { scope: "col" }, label)))), el("tbody", {}, ...episodes.map(row))));
}
