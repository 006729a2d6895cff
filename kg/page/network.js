// The neighbours of one concept: what is reported together with it, in the places that were computed when the page was made.

const conceptOf = (label) => {
  const wanted = label.trim().toLowerCase();
  if (!wanted) return null;
  const outcome = outcomes.findIndex((o) => o.label.toLowerCase() === wanted);
  if (outcome >= 0) return networks.has(`2/${outcome}`) ? [2, outcome] : null;
  const found = boxes.findIndex((box, number) => (box.label.toLowerCase() === wanted || box.curie.toLowerCase() === wanted) && networks.has(`${box.column}/${number}`));
  return found >= 0 ? [boxes[found].column, found] : null;
};
const nodeLabel = ([column, number]) => (column === 2 ? outcomes[number].label : boxes[number].label);
const stands = (f, [column, number]) => (column === 2 ? f.outcome === number : boxes[f[COLUMNS[column]]].around.has(number));

function drawNetwork(list) {
  const view = $("network"), concept = conceptOf(state.concept) ?? mostLinked(list);
  if (!concept) {
    view.replaceChildren(el("p", {}, "No concept has neighbours here."));
    return;
  }
  $("concept").value = nodeLabel(concept);
  const own = list.filter((f) => stands(f, concept));
  const near = new Map(); // id -> node and the cases that join it
  for (const f of own) {
    for (const column of [0, 1, 2]) {
      if (column === concept[0]) continue;
      const node = [column, f[COLUMNS[column]]];
      if (!near.has(node.join())) near.set(node.join(), { node, cases: new Set() });
      near.get(node.join()).cases.add(f.kase);
    }
  }
  const places = networks.get(concept.join("/")), spots = [];
  for (let at = 0; at < places.length; at += 4) {
    const node = places.slice(at, at + 2);
    spots.push({ node, x: places[at + 2], y: places[at + 3], size: near.get(node.join())?.cases.size ?? 0 });
  }
  const heading = el("h2", {}, `${nodeLabel(concept)}: ${plural(count(own), "case")}`);
  const frame = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Picture of neighbours" }, networkPicture(concept, own, spots));
  view.replaceChildren(heading, frame, neighbourTable(concept, own, [...near.values()], spots.length));
}

// The condition with the most cases, to begin with.
function mostLinked(list) {
  const sizes = new Map();
  for (const f of list) if (networks.has(`0/${f.condition}`)) sizes.set(f.condition, (sizes.get(f.condition) ?? 0) + 1);
  const [first] = [...sizes].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  return first ? [0, first[0]] : null;
}

function networkPicture(concept, own, spots) {
  const [width, height] = networkSize, middle = { x: width / 2, y: height / 2 };
  const svg = el("svg", { class: "network", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `Neighbours of ${nodeLabel(concept)}` });
  const largest = Math.max(1, ...spots.map(({ size }) => size));
  const lines = el("g", {});
  spots.forEach((a, at) => {
    for (const b of spots.slice(at + 1)) {
      if (a.node[0] === b.node[0]) continue;
      const both = count(own.filter((f) => f[COLUMNS[a.node[0]]] === a.node[1] && f[COLUMNS[b.node[0]]] === b.node[1]));
      if (both) lines.append(el("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, stroke: "#c3cad2", "stroke-width": 0.6 + 2 * both / largest }));
    }
  });
  for (const { x, y, size } of spots) if (size) lines.append(el("line", { x1: middle.x, y1: middle.y, x2: x, y2: y, stroke: "#6f7c8a", "stroke-width": 1 + 7 * size / largest, "stroke-opacity": 0.6 }));
  svg.append(lines);
  const draw = (node, x, y, size, main) => {
    const label = nodeLabel(node), r = main ? 13 : 5 + 8 * Math.sqrt(size / largest);
    const fill = node[0] === 2 ? colour(node[1]) : node[0] === 0 ? DISEASE : TREATMENT;
    const text = fit(label, main ? 260 : 170, 13), number = main ? "" : ` ${size}`;
    const group = el("g", { class: size || main ? "dot" : "dot none", role: "button", tabindex: 0, "aria-label": `${label}, ${["condition", "treatment", "outcome"][node[0]]}${main ? "" : `, ${plural(size, "case")}`}` },
      el("title", {}, label),
      node[0] === 1 ? el("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, rx: 2, fill }) : node[0] === 2 ? el("path", { d: `M${x},${y - r - 2}L${x + r + 2},${y}L${x},${y + r + 2}L${x - r - 2},${y}Z`, fill }) : el("circle", { cx: x, cy: y, r, fill }),
      target(x - measure(text + number, 13) / 2, y + r, measure(text + number, 13), 20));
    press(group, () => showNeighbour(concept, own, node));
    if (!main) group.addEventListener("dblclick", () => centre(node));
    return [group, el("text", { class: main ? "halo head" : "halo", x, y: y + r + 14, "text-anchor": "middle", ...silent }, text, el("tspan", { class: "number" }, number))];
  };
  for (const { node, x, y, size } of spots) svg.append(...draw(node, x, y, size, false));
  svg.append(...draw(concept, middle.x, middle.y, count(own), true));
  return svg;
}

function centre(node) {
  state.concept = nodeLabel(node);
  draw(true);
}

function showNeighbour(concept, own, node) {
  const same = node.join() === concept.join();
  const can = !same && networks.has(node.join("/"));
  showEvidence(same ? nodeLabel(node) : `${nodeLabel(concept)} with ${nodeLabel(node)}`,
    same ? own : own.filter((f) => f[COLUMNS[node[0]]] === node[1]), can ? [button(`Put ${nodeLabel(node)} in the middle`, () => centre(node))] : []);
}

function neighbourTable(concept, own, near, drawnCount) {
  near.sort((a, b) => b.cases.size - a.cases.size || nodeLabel(a.node).localeCompare(nodeLabel(b.node), "en"));
  const body = el("tbody", {}, ...near.map(({ node, cases: held }) => el("tr", {}, el("td", {}, ["condition", "treatment", "outcome"][node[0]]),
    el("td", {}, button(nodeLabel(node), () => showNeighbour(concept, own, node), { class: "plain" })), el("td", { class: "n" }, String(held.size)))));
  return el("details", {}, el("summary", {}, `All ${plural(near.length, "neighbour")}${near.length > drawnCount ? ", the most frequent of which are drawn" : ""}`),
    el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Kind"), el("th", { scope: "col" }, "Neighbour"), el("th", { scope: "col", class: "n" }, "Cases"))), body));
}
