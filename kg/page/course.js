// Courses of patients: one as a chart of lanes, several as lines side by side.
// Steps are the order in which the report tells things; they are not a scale of time. What is drawn solid is stated, what
// is dotted is not known. All colours stand in the nodes themselves, so that a saved picture looks the same.

const INK = "#1b2430", SOFT = "#55606e", FAINT = "#aab3bd", DISEASE = "#8a5a00", TREATMENT = "#3c4a5c";
const PER_PAGE = 20; // courses
const LENGTHS = { lasted: "for", until_event: "after", follow_up: "followed up" };
const ENDS = new Set(["complete_remission", "recovery"]); // outcomes with which an episode of disease ends

const textNode = (x, y, text, attributes = {}) => el("text", { x, y, "font-size": 12, fill: INK, "font-family": FONT, ...attributes }, text);
const dotted = { "stroke-dasharray": "1 4", "stroke-linecap": "round" };
const present = (episode) => !episode.stated && episode.kind !== "finding";
const personOf = ({ age, sex }) => [age, sex].filter(Boolean).join(", ") || "age and sex not stated";
const timeOf = (episode) => (episode.length ? `${LENGTHS[episode.lengthType] ?? ""} ${episode.length}`.trim() : "");
const paint = (episode) => (episode.kind === "outcome" ? colour(outcomeOf(episode)) : episode.kind === "condition" ? "#fdf3df" : "#e3eaf2");
const outcomeOf = (episode) => outcomes.findIndex(({ code }) => code === episode.code);

function describe(episode) {
  const step = episode.step === undefined ? "order not told" : `step ${episode.step + 1}`;
  return [episode.label, timeOf(episode), KIND_NAMES[episode.kind], episode.kind === "outcome" ? "" : episode.as, step, ...(episode.notes ?? [])].filter(Boolean).join(", ");
}

// --- one patient -----------------------------------------------------------------------------------------------------

// The chart of one case: a lane for each episode of disease, treatment and outcome, over the steps of the story.
function courseChart(kase, full, width, pick) {
  const held = fullCase(full, kase), list = held.episodes.map((episode, at) => ({ ...episode, at })).filter(present);
  const steps = 1 + Math.max(-1, ...list.map(({ step }) => step ?? -1)), loose = list.some(({ step }) => step === undefined);
  const left = Math.min(260, Math.max(130, width * 0.34)), unit = Math.max(22, Math.min(90, (width - left - 30) / Math.max(1, steps + (loose ? 1.5 : 0.5))));
  const x = (step) => left + unit * (step === undefined ? steps + 0.75 : step + 0.5);
  const right = left + unit * (steps + 0.25), whole = Math.max(width, x(loose ? undefined : steps) + unit * 0.5 + 10);
  const svg = el("svg", { class: "course", role: "group", "aria-label": `Course of ${cases[kase].name} of ${reports[cases[kase].report].id}` });
  let y = 18;
  svg.append(textNode(0, y, `${cases[kase].name}: ${personOf(cases[kase])}`, { "font-weight": 600, "font-size": 13 }));
  const spots = new Map(), lanes = el("g", {}), lines = el("g", {});
  for (const [kind, heading] of [["condition", "Conditions"], ["intervention", "Treatments"], ["outcome", "Outcomes"]]) {
    const mine = list.filter((episode) => episode.kind === kind).sort((a, b) => (a.step ?? 1e9) - (b.step ?? 1e9) || a.at[0] - b.at[0]);
    if (!mine.length) continue;
    y += 24;
    lanes.append(textNode(0, y, heading, { fill: SOFT, "font-size": 11, "font-weight": 600 }));
    for (const episode of mine) {
      y += 22;
      spots.set(episode.at, { x: x(episode.step), y: y - 4, episode });
      lanes.append(...lane(episode, { y, left, right, x: x(episode.step), unit }, pick));
    }
  }
  const foot = y + 14;
  for (const [from, to, type] of held.links) {
    const [a, b] = [spots.get(to), spots.get(from)];
    if (!a || !b) continue;
    if (type === "of" && ENDS.has(b.episode.code) && b.x > a.x && b.episode.step !== undefined) a.end = Math.min(a.end ?? Infinity, b.x);
    if (type !== "after" && type !== "attributedTo") continue;
    lines.append(el("path", { d: `M${a.x},${a.y}C${a.x},${(a.y + b.y) / 2} ${b.x},${(a.y + b.y) / 2} ${b.x},${b.y}`, fill: "none",
      stroke: type === "attributedTo" ? INK : FAINT, "stroke-width": type === "attributedTo" ? 1.6 : 1.1, "stroke-opacity": 0.55 }));
    if (b.episode.lengthType === "until_event" && b.x > a.x) b.since = Math.max(b.since ?? 0, a.x);
  }
  for (const spot of spots.values()) {
    const { kind, lengthType } = spot.episode;
    if (kind === "condition" && spot.episode.step !== undefined) {
      const end = spot.end ?? right;
      lines.append(el("line", { x1: spot.x, x2: end, y1: spot.y, y2: spot.y, stroke: DISEASE, "stroke-width": 3, ...(spot.end ? {} : dotted) }));
      if (spot.end) lines.append(el("line", { x1: end, x2: end, y1: spot.y - 6, y2: spot.y + 6, stroke: DISEASE, "stroke-width": 3 }));
    }
    if (kind === "outcome" && spot.since) lines.append(el("line", { x1: spot.since, x2: spot.x, y1: spot.y, y2: spot.y, stroke: colour(outcomeOf(spot.episode)), "stroke-width": 3 }));
    if (kind === "outcome" && (lengthType === "lasted" || lengthType === "follow_up")) {
      const end = spot.x + unit * 0.8;
      lines.append(el("path", { d: lengthType === "lasted" ? `M${spot.x},${spot.y}H${end}M${end},${spot.y - 6}V${spot.y + 6}` : `M${spot.x},${spot.y}H${end}M${end - 6},${spot.y - 5}L${end},${spot.y}L${end - 6},${spot.y + 5}`,
        fill: "none", stroke: colour(outcomeOf(spot.episode)), "stroke-width": 3 }));
    }
  }
  const axis = el("g", {}, el("line", { x1: x(0), x2: Math.max(x(0), x(steps - 1)), y1: foot + 8, y2: foot + 8, stroke: SOFT, "stroke-width": 2, ...dotted }));
  for (let step = 0; step < steps; step++) axis.append(textNode(x(step), foot + 26, String(step + 1), { "text-anchor": "middle", "font-size": 11, fill: SOFT }));
  if (loose) axis.append(textNode(x(undefined), foot + 26, "?", { "text-anchor": "middle", "font-size": 12, fill: SOFT, "font-weight": 600 }),
    el("line", { x1: right, x2: right, y1: 28, y2: foot + 10, stroke: FAINT, ...dotted }));
  axis.append(textNode(0, foot + 26, "steps, in the order told", { "font-size": 11, fill: SOFT }));
  svg.append(lines, lanes, axis);
  svg.setAttribute("viewBox", `0 0 ${Math.round(whole)} ${foot + 36}`);
  svg.setAttribute("width", Math.round(whole));
  svg.setAttribute("height", foot + 36);
  return svg;
}

function lane(episode, { y, left, right, x, unit }, pick) {
  const time = timeOf(episode), told = describe(episode);
  const group = el("g", { class: "lane", role: "button", tabindex: 0, "aria-label": told }, el("title", {}, told),
    target(0, y - 16, right, 22));
  const text = [textNode(4, y, fit(episode.label, left - 16, 12), silent)];
  const shape = { fill: paint(episode), stroke: episode.kind === "condition" ? DISEASE : TREATMENT, "stroke-width": 1.5, ...(episode.step === undefined ? { "stroke-dasharray": "2 2" } : {}) };
  if (episode.kind === "condition") group.append(el("circle", { cx: x, cy: y - 4, r: 7, ...shape }));
  else if (episode.kind === "intervention") group.append(el("rect", { x: x - 7, y: y - 11, width: 14, height: 14, rx: 2, ...shape }));
  else group.append(el("path", { d: `M${x},${y - 12}L${x + 8},${y - 4}L${x},${y + 4}L${x - 8},${y - 4}Z`, ...shape, stroke: INK, "stroke-width": 0.8 }));
  if (time) {
    const long = measure(time, 11), at = episode.lengthType === "until_event" ? x + 12 : x + unit * 0.8 + 6;
    text.push(at + long < right + unit ? textNode(at, y, time, { "font-size": 11, ...silent }) : textNode(x - 12, y - 8, time, { "font-size": 11, "text-anchor": "end", ...silent }));
  }
  press(group, () => pick(episode.at));
  return [group, ...text];
}

// --- several patients ------------------------------------------------------------------------------------------------

// Courses of several cases as lines of one picture, one below the other.
function courseLines(list, width, pick) {
  const svg = el("svg", { class: "course", role: "group", "aria-label": `Courses of ${plural(list.length, "case")}` });
  let y = 4;
  for (const { kase, full } of list) y = courseLine(svg, kase, full, width, y, pick);
  svg.setAttribute("viewBox", `0 0 ${width} ${y + 4}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", y + 4);
  return svg;
}

function courseLine(svg, kase, full, width, top, pick) {
  const about = cases[kase], report = reports[about.report];
  const head = `${report.id} ${about.name} · ${personOf(about)}${report.year ? ` · ${report.year}` : ""}`;
  const title = fit(report.title, Math.max(60, width - measure(head, 13, 600) - 24), 12);
  svg.append(el("line", { x1: 0, x2: width, y1: top, y2: top, stroke: "#d5dae1" }),
    textNode(0, top + 18, fit(head, width, 13, 600), { "font-weight": 600, "font-size": 13 }));
  if (measure(head, 13, 600) + 90 < width) svg.append(textNode(measure(head, 13, 600) + 14, top + 18, title, { fill: SOFT }));
  const episodes = fullCase(full, kase).episodes.map((episode, at) => ({ ...episode, at })).filter(present);
  const order = ["condition", "intervention", "outcome"];
  const groups = [];
  for (const episode of episodes.sort((a, b) => (a.step ?? 1e9) - (b.step ?? 1e9) || order.indexOf(a.kind) - order.indexOf(b.kind) || a.at[0] - b.at[0])) {
    const last = groups.at(-1);
    if (last && last.step === episode.step) last.list.push(episode); else groups.push({ step: episode.step, list: [episode] });
  }
  if (!groups.length) svg.append(textNode(0, top + 40, "No condition, treatment or outcome was found.", { fill: SOFT }));
  let x = 0, y = top + 28, deepest = 0;
  groups.forEach(({ step, list }, at) => {
    const chips = list.map((episode) => ({ episode, text: fit([episode.label, timeOf(episode)].filter(Boolean).join(" · "), Math.min(230, width - 20), 12) }));
    const wide = Math.max(...chips.map(({ text }) => measure(text, 12))) + 16;
    const loose = step === undefined, gap = at === 0 ? 0 : loose ? 74 : 26;
    if (x + gap + wide > width && x > 0) { x = 0; y += deepest * 23 + 8; deepest = 0; if (loose) { svg.append(textNode(0, y + 15, "order not told:", { "font-size": 11, fill: SOFT })); x = 80; } }
    else if (loose) { svg.append(textNode(x + (at ? 6 : 0), y + 15, "order not told:", { "font-size": 11, fill: SOFT })); x += at ? 90 : 84; }
    else if (at) { svg.append(el("line", { x1: x + 3, x2: x + gap - 3, y1: y + 11, y2: y + 11, stroke: SOFT, "stroke-width": 2, ...(known(groups, at, full, kase) ? {} : dotted) })); x += gap; }
    chips.forEach(({ episode, text }, n) => svg.append(...chip(episode, text, x, y + n * 23, wide, () => pick(kase, episode.at))));
    deepest = Math.max(deepest, chips.length);
    x += wide;
  });
  return y + Math.max(1, deepest) * 23 + 12;
}

// Whether the report says how long after the step before this one came.
function known(groups, at, full, kase) {
  const before = new Set(groups[at - 1].list.map((episode) => episode.at));
  const timed = new Set(groups[at].list.filter(({ lengthType }) => lengthType === "until_event").map((episode) => episode.at));
  return fullCase(full, kase).links.some(([from, to, type]) => (type === "after" || type === "attributedTo") && timed.has(from) && before.has(to));
}

function chip(episode, text, x, y, wide, act) {
  const fill = paint(episode), loose = episode.step === undefined;
  const node = el("g", { class: "chip", role: "button", tabindex: 0, "aria-label": describe(episode) }, el("title", {}, describe(episode)),
    el("rect", { x, y, width: wide, height: 21, rx: episode.kind === "condition" ? 10 : 3, fill, stroke: episode.kind === "condition" ? DISEASE : TREATMENT,
      "stroke-width": 1, ...(loose ? { "stroke-dasharray": "3 2" } : {}) }));
  press(node, act);
  return [node, textNode(x + wide / 2, y + 15, text, { "text-anchor": "middle", fill: inkOn(fill), ...silent })];
}

async function drawCourses(list) {
  const view = $("view-course"), width = Math.max(300, Math.round(view.clientWidth || 900));
  const first = Math.min(state.page, Math.max(0, Math.ceil(list.length / PER_PAGE) - 1)) * PER_PAGE;
  const part = await Promise.all(list.slice(first, first + PER_PAGE).map(async (kase) => ({ kase, full: await fullReport(cases[kase].report) })));
  const svg = courseLines(part, width, showEpisode);
  view.replaceChildren(
    el("p", { class: "note" }, "Each line is one patient, in the order told: round conditions, square treatments, outcomes in their colours. A dotted join: the time between is not stated; a solid one: it is."),
    pager(list.length, first, PER_PAGE, "case"),
    part.length ? svg : el("p", {}, "No case matches."),
    el("p", {}, part.length ? button("Save as SVG", () => save(svg, "courses")) : null));
}

function pager(total, first, size, one) {
  if (total <= size) return el("p", { class: "pager" }, plural(total, one));
  const go = (page) => () => { state.page = page; draw(true); };
  const page = Math.floor(first / size);
  return el("p", { class: "pager" }, button("◂ previous", go(page - 1), page ? {} : { disabled: "" }),
    ` ${(first + 1).toLocaleString("en")}–${Math.min(total, first + size).toLocaleString("en")} of ${plural(total, one)} `,
    button("next ▸", go(page + 1), first + size < total ? {} : { disabled: "" }));
}

// The sentence behind one step of a course.
async function showEpisode(kase, at) {
  const mine = ++turn, about = reports[cases[kase].report], full = await fullReport(cases[kase].report);
  if (mine !== turn) return;
  $("evidence").replaceChildren(...episodeNodes(kase, full, at, (other) => showEpisode(kase, other)),
    el("p", {}, button("whole report", () => openReport(cases[kase].report, { kase: cases[kase].at, episode: at }), { class: "plain" }), ` ${about.id}`));
}
