// The picture: condition -> treatment -> outcome. Each band stands for reported cases and opens on their sentences.

const NARROW = 700; // pixels; below, names stand above their boxes instead of beside them
const MANY = 160; // courses; above, bands join boxes two by two, since single courses would be thinner than a hair
let drawn = null; // what the picture shows: courses, bands, pixels a case, and the layer of what is chosen

// Which box each concept falls into. A folded box is opened while there is room; where ``deep``, other boxes are too.
function grouping(list, column, deep) {
  const name = COLUMNS[column], open = state.open[column];
  const sizes = new Map();
  for (const f of list) sizes.set(f[name], (sizes.get(f[name]) ?? 0) + 1);
  const present = [...sizes.keys()];
  const step = (number, from) => {
    const { line } = boxes[number], at = from === null ? line.length : line.indexOf(from);
    return at > 0 ? line[at - 1] : ~number;
  };
  const place = new Map(present.map((number) => [number, step(number, open)]));
  if (deep && present.length <= most) for (const number of present) place.set(number, number);
  else for (;;) {
    const groups = new Map();
    for (const [number, key] of place) groups.set(key, [...(groups.get(key) ?? []), number]);
    const grown = [...groups].filter(([key, inside]) => key >= 0 && inside.some((n) => n !== key) && (deep || groups.size === 1 || boxes[key].folded))
      .map(([key, inside]) => ({ key, inside, parts: new Set(inside.map((n) => step(n, key))).size, size: inside.reduce((sum, n) => sum + sizes.get(n), 0) }))
      .filter(({ parts }) => groups.size - 1 + parts <= most)
      .sort((a, b) => boxes[b.key].folded - boxes[a.key].folded || b.size - a.size || a.key - b.key)[0];
    if (!grown) break;
    for (const number of grown.inside) place.set(number, step(number, grown.key));
  }
  // A concept that stands alone for itself, while its kinds stand elsewhere, must not count those.
  for (const [number, key] of place) {
    if (key === number || key === ~number) place.set(number, present.some((n) => n !== number && boxes[n].line.includes(number) && place.get(n) !== key) ? ~number : number);
  }
  return place;
}

// The facts as courses: one for each condition box, treatment box and outcome, with its cases.
function coursesOf(list) {
  const condition = grouping(list, 0, false), intervention = grouping(list, 1, true);
  const found = new Map();
  for (const f of list) {
    const key = [condition.get(f.condition), intervention.get(f.intervention), f.outcome], id = key.join();
    if (!found.has(id)) found.set(id, { key, cases: new Set(), tied: new Set() });
    found.get(id).cases.add(f.kase);
    if (f.tied) found.get(id).tied.add(f.kase);
  }
  return [...found.values()];
}

// Keys of a column: outcomes from best to worst, others from most to fewest, what is folded or not stated last.
function ordered(courses, column) {
  const sizes = new Map();
  for (const { key, cases: held } of courses) sizes.set(key[column], (sizes.get(key[column]) ?? 0) + held.size);
  const last = (key) => (key >= 0 && (boxes[key].folded || !boxes[key].curie) ? 1 : 0);
  return [...sizes.keys()].sort(column === 2 ? (a, b) => a - b : (a, b) => last(a) - last(b) || sizes.get(b) - sizes.get(a) || a - b);
}

function drawFlow(list, courses) {
  const svg = $("flow"), width = Math.max(320, Math.round(svg.parentElement.clientWidth)), narrow = width < NARROW;
  const columns = [0, 1, 2].map((column) => ordered(courses, column));
  const bar = narrow ? 10 : 14, top = narrow ? 30 : 34, row = narrow ? 38 : 22;
  const x = narrow ? [0, (width - bar) / 2, width - bar] : [Math.min(270, width * 0.27), width * 0.55, width - Math.min(210, width * 0.22)];
  const total = courses.reduce((sum, course) => sum + course.cases.size, 0);
  const rows = Math.max(1, ...columns.map((keys) => keys.length));
  const height = Math.max(narrow ? 300 : 340, rows * (narrow ? 58 : 40));
  const unit = Math.min(26, (height - top - rows * row) / Math.max(total, 1));
  svg.setAttribute("viewBox", `0 0 ${width} ${height + 10}`);
  svg.replaceChildren();
  const place = columns.map((keys, column) => {
    const sizes = keys.map((key) => courses.filter((course) => course.key[column] === key).reduce((sum, course) => sum + course.cases.size, 0) * unit);
    const free = height - top - sizes.reduce((a, b) => a + b, 0);
    const gap = keys.length > 1 ? Math.min(narrow ? 60 : 46, free / keys.length) : 0;
    let y = top + Math.max(narrow ? row - 6 : 0, (free - gap * (keys.length - 1)) / 2);
    return new Map(keys.map((key, at) => {
      const spot = { y, height: sizes[at], left: y, right: y };
      y += sizes[at] + gap;
      return [key, spot];
    }));
  });
  drawn = { courses, unit, bands: segments(courses, columns, place, unit, x, bar), lit: el("g", {}) };
  svg.append(el("g", {}, ...drawn.bands.map(bandNode)), drawn.lit);
  COLUMNS.forEach((_, column) => svg.append(el("text", { class: "head", y: 16,
    x: narrow ? [0, width / 2, width][column] : x[column] + bar / 2, "text-anchor": narrow ? ["start", "middle", "end"][column] : "middle" },
  ["Condition", "Treatment", "Outcome"][column])));
  const sets = columns.map(() => new Map());
  for (const { key, cases: held } of courses) {
    key.forEach((k, column) => {
      if (!sets[column].has(k)) sets[column].set(k, new Set());
      for (const kase of held) sets[column].get(k).add(kase);
    });
  }
  columns.forEach((keys, column) => keys.forEach((key) => {
    const opens = column < 2 && key >= 0 && list.some((f) => f[COLUMNS[column]] !== key && within(key)(f[COLUMNS[column]]));
    svg.append(...boxNode({ column, key, spot: place[column].get(key), size: sets[column].get(key).size, opens, x: x[column], bar, narrow, width,
      room: narrow ? width / 3 - 12 : [x[0], x[2] - x[1] - bar, width - x[2] - bar][column] - 16 }));
  }));
  if (!courses.length) svg.append(el("text", { x: width / 2, y: 120, "text-anchor": "middle" }, "No reported course matches."));
  light();
  const current = svg.querySelector(".node.on") ?? svg.querySelector(".node");
  if (current) current.setAttribute("tabindex", 0);
}

// The bands between two columns. Single courses keep the colour of their outcome from left to right; where they are
// many, all courses between two boxes make one band, and only those that lead to an outcome have its colour.
function segments(courses, columns, place, unit, x, bar) {
  const rank = columns.map((keys) => new Map(keys.map((key, at) => [key, at])));
  const many = courses.length > MANY, bands = [];
  for (const [from, to] of [[0, 1], [1, 2]]) {
    const joined = new Map();
    for (const { key, cases: held } of courses) {
      const pattern = many ? key.map((k, column) => (column === from || column === to ? k : null)) : key;
      const id = pattern.join();
      if (!joined.has(id)) joined.set(id, { pattern, from, to, size: 0, cases: new Set() });
      joined.get(id).size += held.size;
      for (const kase of held) joined.get(id).cases.add(kase);
    }
    const by = (...order) => (a, b) => order.reduce((sum, column) => sum || (rank[column].get(a.pattern[column]) ?? 0) - (rank[column].get(b.pattern[column]) ?? 0), 0);
    const all = [...joined.values()];
    for (const band of all.sort(by(to, from, 2))) {
      const spot = place[to].get(band.pattern[to]);
      band.end = spot.left;
      spot.left += band.size * unit;
    }
    for (const band of all.sort(by(from, to, 2))) {
      const spot = place[from].get(band.pattern[from]);
      band.start = spot.right;
      spot.right += band.size * unit;
      band.height = band.size * unit;
      band.x = [x[from] + bar, x[to]];
      band.fill = band.pattern[2] === null ? "#9aa5b3" : colour(band.pattern[2]);
    }
    bands.push(...all);
  }
  return bands;
}

const ribbon = ({ x: [x0, x1], start, end }, h) => {
  const middle = (x0 + x1) / 2;
  return `M${x0},${start}C${middle},${start} ${middle},${end} ${x1},${end}V${end + h}C${middle},${end + h} ${middle},${start + h} ${x0},${start + h}Z`;
};

function bandNode(band) {
  const label = `${patternLabel(band.pattern)}: ${plural(band.cases.size, "case")}`;
  const node = el("path", { class: "band", d: ribbon(band, band.height), fill: band.fill }, el("title", {}, label));
  node.addEventListener("click", () => choose(band.pattern));
  return node;
}

// Draw what is chosen over the bands: of each, the part that its courses take.
function light() {
  const { courses, unit, bands, lit } = drawn, { chosen } = state, svg = $("flow");
  const fits = (key, pattern) => pattern.every((k, column) => k === null || k === key[column]);
  svg.classList.toggle("chosen", Boolean(chosen));
  for (const node of svg.querySelectorAll(".node")) {
    const on = Boolean(chosen) && chosen.every((k, column) => k === (column === Number(node.dataset.column) ? Number(node.dataset.key) : null));
    node.classList.toggle("on", on);
    node.setAttribute("aria-pressed", String(on));
  }
  lit.replaceChildren();
  if (!chosen) return;
  const mine = courses.filter(({ key }) => fits(key, chosen));
  for (const band of bands) {
    const size = mine.reduce((sum, { key, cases: held }) => sum + (fits(key, band.pattern) ? held.size : 0), 0);
    if (!size) continue;
    const part = el("path", { class: "lit", d: ribbon(band, Math.min(band.height, Math.max(size * unit, 1))), fill: band.fill }, el("title", {}, patternLabel(band.pattern)));
    part.addEventListener("click", () => choose(band.pattern));
    lit.append(part);
  }
}

function boxNode({ column, key, spot, size, opens, x, bar, narrow, width, room }) {
  const label = keyLabel(column, key);
  const node = el("g", { class: "node", role: "button", tabindex: -1,
    "aria-label": `${label}, ${["condition", "treatment", "outcome"][column]}, ${plural(size, "case")}${opens ? "; press + to open" : ""}` },
  el("title", {}, label),
  el("rect", { class: "box", fill: column === 2 ? colour(key) : "#3c4a5c", x, y: spot.y, width: bar, height: Math.max(spot.height, 2) }));
  node.dataset.column = column;
  node.dataset.key = key;
  node.dataset.opens = opens ? "yes" : "";
  const tail = ` ${size.toLocaleString("en")}${opens ? " ▸" : ""}`, halo = "halo", text = el("g", { class: "name", ...silent });
  let mark; // where the sign stands that opens the box
  if (narrow) {
    const anchor = ["start", "middle", "end"][column], at = [x, x + bar / 2, x + bar][column];
    const whole = wrap(label, room, 11, 2);
    const lines = measure(whole.at(-1) + tail, 11) > room ? wrap(label, room - measure(tail, 11), 11, 2) : whole, last = lines.length - 1;
    node.append(target(Math.min(Math.max(at - room / 2, 0), width - room), spot.y - 30, room, 26));
    lines.forEach((line, n) => text.append(el("text", { class: `${halo} small`, x: at, y: spot.y - 5 - 12 * (last - n), "text-anchor": anchor },
      line, ...(n === last ? [el("tspan", { class: "number" }, tail)] : []))));
    mark = { x: Math.min(Math.max(at - 12, 0), width - 24), y: spot.y - 22 };
  } else {
    const cut = fit(label, room - measure(tail, 13), 13, 600), at = column === 0 ? x - 8 : x + bar + 8, y = spot.y + spot.height / 2 + 4;
    const long = measure(cut + tail, 13, 600);
    node.append(target(column === 0 ? at - long : at, y - 16, long, 24));
    text.append(el("text", { class: column === 0 ? "" : halo, x: at, y, "text-anchor": column === 0 ? "end" : "start" },
      cut, el("tspan", { class: "number" }, tail)));
    mark = { x: column === 0 ? at - 19 : at + long - 19, y: y - 16 };
  }
  press(node, () => choose([0, 1, 2].map((c) => (c === column ? key : null))));
  if (opens) {
    const opener = el("rect", { class: "opener", x: mark.x, y: mark.y, width: 24, height: 24 });
    opener.addEventListener("click", (event) => { event.stopPropagation(); openBox(column, key); });
    node.addEventListener("dblclick", () => openBox(column, key));
    node.append(opener);
  }
  return [node, text];
}

// The picture is one stop of the tab key; arrows move between its boxes.
function flowKeys(event) {
  const node = event.target.closest(".node");
  if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
  const column = Number(node.dataset.column), nodes = [...$("flow").querySelectorAll(".node")];
  const inColumn = (c) => nodes.filter((n) => Number(n.dataset.column) === c);
  const middle = (n) => { const { y, height } = n.querySelector(".box").getBBox(); return y + height / 2; };
  const move = (to) => {
    if (!to) return;
    node.setAttribute("tabindex", -1);
    to.setAttribute("tabindex", 0);
    to.focus();
  };
  const own = inColumn(column), at = own.indexOf(node);
  const beside = (c) => inColumn(c).sort((a, b) => Math.abs(middle(a) - middle(node)) - Math.abs(middle(b) - middle(node)))[0];
  const act = {
    ArrowDown: () => move(own[at + 1]), ArrowUp: () => move(own[at - 1]), Home: () => move(own[0]), End: () => move(own.at(-1)),
    ArrowLeft: () => move(beside(column - 1)), ArrowRight: () => move(beside(column + 1)),
    "+": () => node.dataset.opens && openBox(column, Number(node.dataset.key), true),
    "-": () => goUp(column, true), Backspace: () => goUp(column, true),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// --- opening boxes ---------------------------------------------------------------------------------------------------

async function openBox(column, key, byKey = false) {
  state.open[column] = key;
  state.chosen = null;
  await draw(true);
  if (byKey) $("flow").querySelector(`.node[data-column="${column}"]`)?.focus();
}

async function goUp(column, byKey = false) {
  const open = state.open[column];
  if (open === null) return;
  await openBox(column, boxes[open].parent, byKey);
}

function drawPath() {
  const parts = [];
  state.open.forEach((open, column) => {
    if (open === null) return;
    const trail = el("span", { class: "trail" }, `${["Condition", "Treatment"][column]}: `,
      button("all", () => openBox(column, null), { class: "plain" }));
    for (const number of [...boxes[open].line].reverse()) {
      trail.append(" › ", number === open ? el("strong", {}, boxes[number].label) : button(boxes[number].label, () => openBox(column, number), { class: "plain" }));
    }
    parts.push(trail, button("◂ back", () => goUp(column), { "aria-label": `Leave ${boxes[open].label}`, class: "back" }));
  });
  $("path").replaceChildren(...parts);
  $("path").hidden = !parts.length;
}

function drawLegend(courses) {
  const used = new Set(courses.map(({ key }) => key[2]));
  $("legend").replaceChildren(...outcomes.map((_, number) => number).filter((number) => used.has(number)).map((number) => {
    const swatch = el("span", {});
    swatch.style.backgroundColor = colour(number);
    return el("li", {}, swatch, outcomes[number].label);
  }));
}
