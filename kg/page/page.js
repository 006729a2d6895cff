"use strict";
// Draws the treatment-outcome links held in #data. All text enters the page through textContent, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { concepts, outcomes, cases, sentences } = data;
  // A fact: one outcome of one case after one intervention, for one condition. Columns of data.facts, in this order.
  const facts = data.facts.map(([kase, condition, intervention, outcome, tied, sentence, marks]) =>
    ({ kase, condition, intervention, outcome, tied, sentence, marks }));
  const MOST = 14; // boxes in a column that a person still tells apart
  const WIDTH = 1000, TOP = 34, ROW = 20, BOX = 14, X = [255, 548, 832];
  const COLUMNS = ["condition", "intervention", "outcome"];
  const SVG = new Set(["g", "path", "rect", "text", "title", "tspan"]);
  const $ = (id) => document.getElementById(id);
  const state = { find: "", outcome: "", tied: false, focus: { condition: null, intervention: null }, chosen: null };

  function el(name, attributes = {}, ...children) {
    const node = SVG.has(name) ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  // From a concept up to its top group.
  function lineage(index) {
    const line = [];
    for (let at = index; at !== null && !line.includes(at); at = concepts[at].broader) line.push(at);
    return line;
  }
  const lines = concepts.map((_, index) => lineage(index));

  function visible() {
    const words = state.find.toLowerCase();
    return facts.filter((f) =>
      (state.outcome === "" || f.outcome === Number(state.outcome)) && (!state.tied || f.tied) &&
      ["condition", "intervention"].every((c) => state.focus[c] === null || lines[f[c]].includes(state.focus[c])) &&
      (words === "" || [...lines[f.condition], ...lines[f.intervention]].some((c) => concepts[c].label.toLowerCase().includes(words)) ||
        sentences[f.sentence].text.toLowerCase().includes(words)));
  }

  const count = (list) => new Set(list.map((f) => f.kase)).size;

  // Which box each concept falls into: the top groups under the focus, the largest opened while there is room.
  function boxes(list, column, open) {
    const depth = new Map(); // concept -> box
    const focus = state.focus[column];
    const step = (concept, from) => {
      const line = lines[concept], at = from === null ? line.length : line.indexOf(from);
      return at > 0 ? line[at - 1] : concept;
    };
    const present = [...new Set(list.map((f) => f[column]))];
    for (const concept of present) depth.set(concept, step(concept, focus));
    const leaves = new Set(present);
    if (open && leaves.size <= MOST) { for (const c of present) depth.set(c, c); return depth; }
    for (;;) {
      const now = new Map();
      for (const [concept, box] of depth) now.set(box, [...(now.get(box) ?? []), concept]);
      if (!open && now.size > 1) break;
      const grown = [...now].filter(([box, inside]) => inside.some((c) => c !== box))
        .map(([box, inside]) => ({ box, inside, parts: new Set(inside.map((c) => step(c, box))).size,
          size: count(list.filter((f) => depth.get(f[column]) === box)) }))
        .filter(({ parts }) => now.size - 1 + parts <= MOST)
        .sort((a, b) => b.size - a.size || a.box - b.box)[0];
      if (!grown) break;
      for (const concept of grown.inside) depth.set(concept, step(concept, grown.box));
    }
    return depth;
  }

  function grouped(list) {
    const condition = boxes(list, "condition", false), intervention = boxes(list, "intervention", true);
    const flows = new Map();
    for (const f of list) {
      const key = [condition.get(f.condition), intervention.get(f.intervention), f.outcome];
      const flow = flows.get(key.join()) ?? { key, facts: [] };
      flow.facts.push(f);
      flows.set(key.join(), flow);
    }
    return [...flows.values()].map((flow) => ({ ...flow, size: count(flow.facts) }));
  }

  function order(flows, column) {
    const sizes = new Map();
    for (const flow of flows) sizes.set(flow.key[column], (sizes.get(flow.key[column]) ?? 0) + flow.size);
    const keys = [...sizes.keys()];
    return column === 2 ? keys.sort((a, b) => a - b) : keys.sort((a, b) => sizes.get(b) - sizes.get(a) || a - b);
  }

  const name = (column, key) => (column === 2 ? outcomes[key].label : concepts[key].label);

  function choose(title, list, test) {
    state.chosen = test;
    $("flow").classList.toggle("chosen", Boolean(test));
    for (const band of $("flow").querySelectorAll(".band")) band.classList.toggle("on", Boolean(test) && test(JSON.parse(band.dataset.key)));
    const panel = $("evidence");
    const seen = new Set();
    const items = [];
    for (const f of list) {
      const key = `${f.sentence}/${f.outcome}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const same = list.filter((g) => g.sentence === f.sentence && g.outcome === f.outcome);
      items.push(article(f, same));
    }
    const shown = items.slice(0, 200);
    panel.replaceChildren(el("h2", {}, title), el("p", {}, `${count(list)} of ${cases.length} cases, ${items.length} ${items.length === 1 ? "sentence" : "sentences"}` +
      (shown.length < items.length ? `; the first ${shown.length} are shown` : "")), ...shown);
    panel.scrollTop = 0;
  }

  function article(f, same) {
    const sentence = sentences[f.sentence], kase = cases[f.kase];
    const marks = [...f.marks].sort((a, b) => a[0] - b[0]);
    const text = el("p", {});
    if (kase.language) text.lang = kase.language;
    const points = Array.from(sentence.text); // offsets count code points, JavaScript strings do not
    let at = 0;
    for (const [start, end, kind] of marks) {
      if (start < at || end > points.length) continue;
      text.append(points.slice(at, start).join(""), el("mark", { class: kind ? "treatment" : "result" }, points.slice(start, end).join("")));
      at = end;
    }
    text.append(points.slice(at).join(""));
    const treated = [...new Set(same.map((g) => concepts[g.intervention].label + (g.tied ? " (attributed)" : "")))].join(", ");
    const box = el("article", {}, text,
      el("p", { class: "source" }, `${outcomes[f.outcome].label} after ${treated} \u2013 ${concepts[f.condition].label}`),
      el("p", { class: "source" }, `${kase.title || kase.id} \u00b7 ${kase.id}, ${kase.name} \u00b7 characters ${sentence.start}\u2013${sentence.start + points.length}`));
    box.classList.add("edge");
    box.style.borderLeftColor = colour(f.outcome);
    return box;
  }

  const colours = new Map();
  function colour(outcome) {
    if (!colours.has(outcome)) {
      const probe = el("span", { class: `c${outcomes[outcome].colour}` });
      document.body.append(probe);
      colours.set(outcome, getComputedStyle(probe).backgroundColor);
      probe.remove();
    }
    return colours.get(outcome);
  }

  function press(node, act) {
    node.addEventListener("click", act);
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(event); }
    });
  }

  const inside = (list, column, key) => list.some((f) => f[column] !== key && lines[f[column]].includes(key));

  function open(column, key) {
    state.focus[column] = key;
    draw();
  }

  function drawFlow(flows, list) {
    const svg = $("flow");
    const columns = COLUMNS.map((_, c) => order(flows, c));
    const total = flows.reduce((sum, flow) => sum + flow.size, 0);
    const rows = Math.max(1, ...columns.map((keys) => keys.length));
    const height = Math.max(340, rows * 38);
    const unit = Math.min(26, (height - TOP - rows * ROW) / Math.max(total, 1));
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height + 10}`);
    svg.replaceChildren();
    COLUMNS.forEach((column, c) => svg.append(el("text", { class: "head", x: X[c] + BOX / 2, y: 16, "text-anchor": "middle" }, column[0].toUpperCase() + column.slice(1))));
    const place = columns.map((keys, c) => {
      const of = new Map();
      const sizes = keys.map((key) => flows.filter((flow) => flow.key[c] === key).reduce((sum, flow) => sum + flow.size, 0) * unit);
      const free = height - TOP - sizes.reduce((a, b) => a + b, 0);
      const gap = keys.length > 1 ? Math.min(46, free / (keys.length - 1)) : 0;
      let y = TOP + Math.max(0, (free - gap * (keys.length - 1)) / 2);
      keys.forEach((key, i) => { of.set(key, { y, height: sizes[i], left: y, right: y }); y += sizes[i] + gap; });
      return of;
    });
    const rank = (c, key) => columns[c].indexOf(key);
    const sorted = [...flows].sort((a, b) => rank(1, a.key[1]) - rank(1, b.key[1]) || a.key[2] - b.key[2] || rank(0, a.key[0]) - rank(0, b.key[0]));
    const bands = el("g", {});
    for (const [from, to] of [[0, 1], [1, 2]]) {
      const ordered = [...sorted].sort((a, b) => rank(from, a.key[from]) - rank(from, b.key[from]) || rank(to, a.key[to]) - rank(to, b.key[to]) || a.key[2] - b.key[2]);
      const arrive = new Map();
      const byTarget = [...ordered].sort((a, b) => rank(to, a.key[to]) - rank(to, b.key[to]) || rank(from, a.key[from]) - rank(from, b.key[from]) || a.key[2] - b.key[2]);
      for (const flow of byTarget) {
        const box = place[to].get(flow.key[to]);
        arrive.set(flow, box.left);
        box.left += flow.size * unit;
      }
      for (const flow of ordered) {
        const box = place[from].get(flow.key[from]);
        const [y0, y1, h] = [box.right, arrive.get(flow), flow.size * unit];
        box.right += h;
        const [x0, x1] = [X[from] + BOX, X[to]], mid = (x0 + x1) / 2;
        const d = `M${x0},${y0}C${mid},${y0} ${mid},${y1} ${x1},${y1}V${y1 + h}C${mid},${y1 + h} ${mid},${y0 + h} ${x0},${y0 + h}Z`;
        const label = `${flow.key.map((key, c) => name(c, key)).join(" \u2192 ")}: ${flow.size} ${flow.size === 1 ? "case" : "cases"}`;
        const band = el("path", { class: `band c${outcomes[flow.key[2]].colour}`, d, tabindex: from === 0 ? 0 : -1, role: "button", "aria-label": label }, el("title", {}, label));
        band.dataset.key = JSON.stringify(flow.key);
        press(band, () => choose(label, flow.facts, (key) => key.join() === flow.key.join()));
        bands.append(band);
      }
    }
    svg.append(bands);
    COLUMNS.forEach((column, c) => columns[c].forEach((key) => {
      const { y, height: h } = place[c].get(key);
      const mine = flows.filter((flow) => flow.key[c] === key);
      const all = mine.flatMap((flow) => flow.facts), size = count(all), label = name(c, key);
      const more = c < 2 && inside(list, column, key);
      const text = el("text", { class: c === 0 ? "" : "halo", x: c === 0 ? X[c] - 8 : X[c] + BOX + 8, y: y + h / 2 + 4, "text-anchor": c === 0 ? "end" : "start" },
        label.length > 34 ? `${label.slice(0, 33)}\u2026` : label, el("tspan", { class: "number" }, ` ${size}${more ? " \u25b8" : ""}`));
      const node = el("g", { class: "node", tabindex: 0, role: "button", "aria-label": `${label}, ${size} ${size === 1 ? "case" : "cases"}${more ? "; press right arrow or double-click to open" : ""}` },
        el("title", {}, more ? `${label} \u2013 double-click to open` : label),
        el("rect", { class: c === 2 ? `box c${outcomes[key].colour}` : "box plain", x: X[c], y, width: BOX, height: Math.max(h, 2) }), text);
      press(node, () => choose(label, all, (k) => k[c] === key));
      if (more) {
        node.addEventListener("dblclick", () => open(column, key));
        node.addEventListener("keydown", (event) => { if (event.key === "ArrowRight") open(column, key); });
      }
      svg.append(node);
    }));
    if (!flows.length) svg.append(el("text", { x: WIDTH / 2, y: 120, "text-anchor": "middle" }, "No reported course matches."));
  }

  function drawTable(flows) {
    const head = [["Condition", ""], ["Intervention", ""], ["Outcome", ""], ["Cases", "n"], ["Attributed", "n"]];
    $("table").tHead.rows[0].replaceChildren(...head.map(([label, css]) => el("th", { scope: "col", class: css }, label)));
    const sorted = [...flows].sort((a, b) => b.size - a.size || a.key.map((k, c) => name(c, k)).join().localeCompare(b.key.map((k, c) => name(c, k)).join(), "en"));
    $("table").tBodies[0].replaceChildren(...sorted.map((flow) => {
      const more = el("button", {}, name(1, flow.key[1]));
      more.addEventListener("click", () => choose(flow.key.map((key, c) => name(c, key)).join(" \u2192 "), flow.facts, (key) => key.join() === flow.key.join()));
      return el("tr", {}, el("td", {}, name(0, flow.key[0])), el("td", {}, more), el("td", {}, name(2, flow.key[2])),
        el("td", { class: "n" }, String(flow.size)), el("td", { class: "n" }, String(count(flow.facts.filter((f) => f.tied)))));
    }));
  }

  function drawPath() {
    const parts = [];
    for (const column of ["condition", "intervention"]) {
      const focus = state.focus[column];
      if (focus === null) continue;
      const up = el("button", {}, "\u25c2 back");
      up.setAttribute("aria-label", `Leave ${concepts[focus].label}`);
      up.addEventListener("click", () => open(column, concepts[focus].broader));
      parts.push(up, ` ${column}: ${[...lines[focus]].reverse().map((c) => concepts[c].label).join(" \u203a ")} `);
    }
    if (!parts.length) parts.push("Click a box or band to read its sentences; double-click a box with \u25b8 to open it.");
    $("path").replaceChildren(...parts);
  }

  function draw() {
    const list = visible(), flows = grouped(list);
    $("count").textContent = `${count(list)} of ${cases.length} cases in ${data.reports} reports with a treatment-outcome link are shown.`;
    drawPath();
    drawFlow(flows, list);
    drawTable(flows);
    $("flow").classList.remove("chosen");
  }

  function show(view) {
    for (const [tab, panel] of [["tab-flow", "view-flow"], ["tab-table", "view-table"]]) {
      $(tab).setAttribute("aria-selected", String(tab === view));
      $(tab).tabIndex = tab === view ? 0 : -1;
      $(panel).hidden = tab !== view;
    }
    $(view).focus();
  }

  for (const [index, outcome] of outcomes.entries()) {
    if (!facts.some((f) => f.outcome === index)) continue;
    $("outcome").append(el("option", { value: index }, outcome.label));
    $("legend").append(el("li", {}, el("span", { class: `c${outcome.colour}` }), outcome.label));
  }
  $("find").addEventListener("input", (event) => { state.find = event.target.value.trim(); draw(); });
  $("outcome").addEventListener("change", (event) => { state.outcome = event.target.value; draw(); });
  $("tied").addEventListener("change", (event) => { state.tied = event.target.checked; draw(); });
  $("reset").addEventListener("click", () => {
    Object.assign(state, { find: "", outcome: "", tied: false, focus: { condition: null, intervention: null } });
    $("find").value = ""; $("outcome").value = ""; $("tied").checked = false;
    draw();
  });
  for (const tab of ["tab-flow", "tab-table"]) {
    $(tab).addEventListener("click", () => show(tab));
    $(tab).addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") show(tab === "tab-flow" ? "tab-table" : "tab-flow");
    });
  }
  draw();
})();
