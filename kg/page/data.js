// What the page holds: the core that the pictures count, and packs of reports that are opened when they are needed.

let most, packSize, networkSize;
let boxes = [], outcomes = [], reports = [], cases = [], facts = [], networks = new Map();
const byId = new Map(); // id of a box -> its number

async function unpack(element) {
  const packed = atob(element.textContent);
  const bytes = new Uint8Array(packed.length);
  for (let at = 0; at < packed.length; at++) bytes[at] = packed.charCodeAt(at);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

async function openCore() {
  const core = await unpack(document.getElementById("core"));
  ({ most, pack: packSize, size: networkSize } = core);
  boxes = core.boxes.map(([label, column, parent, curie, broader, folded]) =>
    ({ label, column, parent: parent < 0 ? null : parent, curie, broader, folded: Boolean(folded), folders: 0 }));
  for (const [number, box] of boxes.entries()) {
    box.line = lineage(number);
    box.around = surroundings(number);
  }
  for (const [number, box] of boxes.entries()) {
    box.id = idOf(box);
    if (!byId.has(box.id)) byId.set(box.id, number);
  }
  outcomes = core.outcomes.map(([label, colour, code]) => ({ label, colour, code }));
  const told = new Map(); // report -> cases so far
  reports = core.reports.map(([id, title, language, year]) => ({ id, title, language, year, cases: [] }));
  cases = core.cases.map(([report, name, years, age, sex, ...held], number) => {
    const at = told.get(report) ?? 0;
    told.set(report, at + 1);
    reports[report].cases.push(number);
    return { report, at, name, years, age, sex, held };
  });
  facts = core.facts.map(([kase, condition, intervention, outcome, tied, at, by]) =>
    ({ kase, condition, intervention, outcome, tied, at, by }));
  for (const [column, number, near] of core.networks) networks.set(`${column}/${number}`, near);
}

// From a box up to its top group.
function lineage(number) {
  const line = [];
  for (let at = number; at !== null; at = boxes[at].parent) line.push(at);
  return line;
}

// A box and all that are wider than it, by every broader concept.
function surroundings(number) {
  const seen = new Set(), todo = [number];
  while (todo.length) {
    const at = todo.pop();
    if (seen.has(at)) continue;
    seen.add(at);
    if (boxes[at].parent !== null) todo.push(boxes[at].parent);
    todo.push(...boxes[at].broader);
  }
  return seen;
}

// The name of a box in the page's address: the same for every page of the same reports.
function idOf(box) {
  if (box.curie) return `${box.column}:${box.curie}`;
  if (!box.folded) return `${box.column}:~${box.line.map((n) => boxes[n].label).join("<")}`;
  const above = box.parent === null ? null : boxes[box.parent];
  return `${above ? (above.id ??= idOf(above)) : `${box.column}:`}+${box.label}`;
}

// --- reports ---------------------------------------------------------------------------------------------------------

const packs = [...document.getElementsByClassName("pack")];
const opened = new Map(); // number of a pack -> promise of its reports

function pack(number) {
  if (!opened.has(number)) {
    opened.set(number, unpack(packs[number]).then((list) => {
      for (const full of list) full.points = /[\ud800-\udbff]/.test(full.text ?? "") ? Array.from(full.text) : null;
      return list;
    }));
  }
  return opened.get(number);
}

// A report in full: text, cases with episodes and links, and about what it is.
async function fullReport(number) {
  return (await pack(Math.floor(number / packSize)))[number % packSize];
}

let all = null;
// Every report, for a search in all texts.
function allReports() {
  all ??= Promise.all(packs.map((_, number) => pack(number))).then((lists) => lists.flat());
  return all;
}

// Offsets count code points, JavaScript strings do not.
function slice(full, start, end) {
  return full.points ? full.points.slice(start, end).join("") : (full.text ?? "").slice(start, end);
}

function fullCase(full, number) {
  return full.cases[cases[number].at];
}
