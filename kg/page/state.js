// What the reader has chosen, kept in the page's address, and what of the data it leaves.

const COLUMNS = ["condition", "intervention", "outcome"];
const FIELDS = ["condition", "intervention", "outcome", "words", "sex", "age-from", "age-to", "year-from", "year-to"];
const VIEWS = ["flow", "table", "course", "network", "report"];
const state = {};

function clear() {
  for (const field of FIELDS) state[field] = "";
  Object.assign(state, { view: "flow", tied: false, open: [null, null], chosen: null, concept: "", report: null, page: 0 });
}

// A box in a picture stands for all within it; ~number stands for the box's own concept alone, without its kinds.
const keyId = (column, key) => {
  if (key === null) return "";
  if (column === 2) return String(key);
  return key < 0 ? `=${boxes[~key].id}` : boxes[key].id;
};
const keyOf = (column, id) => {
  if (id === "") return null;
  if (column === 2) return outcomes[Number(id)] ? Number(id) : null;
  const number = byId.get(id.replace(/^=/, ""));
  return number === undefined ? null : id.startsWith("=") ? ~number : number;
};

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  clear();
  for (const field of FIELDS) state[field] = given.get(field) ?? "";
  const view = given.get("view");
  const report = reports.findIndex(({ id }) => id === given.get("report"));
  state.report = report >= 0 ? report : reports.length === 1 ? 0 : null;
  state.view = VIEWS.includes(view) ? view : reports.length === 1 ? "report" : "flow";
  state.tied = given.has("tied");
  state.open = [0, 1].map((column) => byId.get(given.get(`open-${COLUMNS[column]}`) ?? "") ?? null);
  state.concept = given.get("concept") ?? "";
  state.page = Math.max(0, Number(given.get("page")) || 0);
  const chosen = (given.get("chosen") ?? "").split(" ").map((id, column) => keyOf(column, decodeURIComponent(id)));
  state.chosen = chosen.length === 3 && chosen.some((key) => key !== null) ? chosen : null;
}

function address() {
  const said = new URLSearchParams();
  if (state.view !== (reports.length === 1 ? "report" : "flow")) said.set("view", state.view);
  for (const field of FIELDS) if (state[field] !== "") said.set(field, state[field]);
  if (state.tied) said.set("tied", "1");
  state.open.forEach((box, column) => { if (box !== null) said.set(`open-${COLUMNS[column]}`, boxes[box].id); });
  if (state.concept) said.set("concept", state.concept);
  if (state.report !== null && reports.length > 1) said.set("report", reports[state.report].id);
  if (state.page) said.set("page", state.page);
  if (state.chosen) said.set("chosen", state.chosen.map((key, column) => encodeURIComponent(keyId(column, key))).join(" "));
  return `#${said}`;
}

// Keep the choice in the address: as a step to which the browser's back button returns, or in place of the last.
function remember(step) {
  const next = address();
  if (next === (location.hash || "#")) return;
  if (step) history.pushState(null, "", next); else history.replaceState(null, "", next);
}

// --- what the filter leaves ------------------------------------------------------------------------------------------

// A test of boxes by what stands in a field: the concept of that name with all its kinds, else any box with the words.
function boxTest(column, field) {
  const wanted = state[field].trim().toLowerCase();
  if (!wanted) return null;
  const own = boxes.map((box, number) => [box, number]).filter(([box]) => box.column === column && !box.folded);
  const exact = own.filter(([box]) => box.label.toLowerCase() === wanted || box.curie.toLowerCase() === wanted);
  const hits = new Set((exact.length ? exact : own.filter(([box]) => box.label.toLowerCase().includes(wanted))).map(([, number]) => number));
  return boxSet((number) => [...boxes[number].around].some((n) => hits.has(n)), column);
}

function boxSet(test, column) {
  const found = new Set();
  boxes.forEach((box, number) => { if (box.column === column && test(number)) found.add(number); });
  return (number) => found.has(number);
}

const within = (key) => (number) => (key < 0 ? number === ~key : boxes[number].line.includes(key));

// Tests of the condition and of the treatment: the filter's fields and the boxes that were opened.
function boxTests() {
  return [0, 1].map((column) => {
    const tests = [boxTest(column, COLUMNS[column])];
    if (state.open[column] !== null) tests.push(boxSet(within(state.open[column]), column));
    const set = tests.filter(Boolean);
    return (number) => set.every((test) => test(number));
  });
}

const range = (field) => [`${field}-from`, `${field}-to`].map((name) => (state[name] === "" ? null : Number(state[name])));
const lies = (value, [from, to]) => (from === null || value >= from) && (to === null || value <= to);

// Whether each case passes by sex, age and year; how many fall out because their age, sex or year is not known.
function passing() {
  const age = range("age"), year = range("year");
  const asked = { sex: state.sex !== "", age: age.some((v) => v !== null), year: year.some((v) => v !== null) };
  let unknown = 0;
  const pass = cases.map(({ sex, years, report }) => {
    const known = [[asked.sex, sex], [asked.age, years], [asked.year, reports[report].year]].every(([is, value]) => !is || value !== null);
    if (!known) unknown++;
    return known && (!asked.sex || sex === state.sex) && (!asked.age || lies(years, age)) && (!asked.year || lies(reports[report].year, year));
  });
  return { pass, unknown };
}

// The facts that the filter leaves. A search for words looks into every text, which is why this may take a moment.
async function visibleFacts() {
  const { pass, unknown } = passing();
  const [condition, intervention] = boxTests();
  const list = facts.filter((f) =>
    pass[f.kase] && (state.outcome === "" || f.outcome === Number(state.outcome)) && (!state.tied || f.tied) &&
    condition(f.condition) && intervention(f.intervention));
  const wanted = state.words.trim().toLowerCase();
  if (!wanted) return { list, unknown };
  const full = await allReports();
  const said = new Map();
  const sentence = (f) => {
    const key = `${f.kase}/${f.at}`, report = full[cases[f.kase].report];
    if (!said.has(key)) said.set(key, slice(report, ...fullCase(report, f.kase).episodes[f.at].at.slice(2)).toLowerCase());
    return said.get(key);
  };
  const named = boxes.map((box) => [...box.around].some((n) => boxes[n].label.toLowerCase().includes(wanted)));
  return { unknown, list: list.filter((f) => named[f.condition] || named[f.intervention] ||
    reports[cases[f.kase].report].title.toLowerCase().includes(wanted) || sentence(f).includes(wanted)) };
}

// The cases that the filter leaves, whether or not they hold a treatment-outcome link.
async function visibleCases() {
  const { pass, unknown } = passing();
  const tests = boxTests(), asked = [0, 1].map((c) => state.open[c] !== null || state[COLUMNS[c]].trim() !== "");
  const tied = state.tied ? new Set(facts.filter((f) => f.tied).map((f) => f.kase)) : null;
  let list = cases.map((_, number) => number).filter((number) => pass[number] && (!tied || tied.has(number)) &&
    asked.every((is, column) => !is || cases[number].held[column].some(tests[column])) &&
    (state.outcome === "" || cases[number].held[2].includes(Number(state.outcome))));
  const wanted = state.words.trim().toLowerCase();
  if (wanted) {
    const full = await allReports();
    list = list.filter((number) => {
      const { report, held } = cases[number];
      return reports[report].title.toLowerCase().includes(wanted) || (full[report].text ?? "").toLowerCase().includes(wanted) ||
        [...held[0], ...held[1]].some((n) => boxes[n].label.toLowerCase().includes(wanted));
    });
  }
  return { list, unknown };
}

// The reports of these cases, and those without a case unless the filter asks for what only a case has.
async function visibleReports(list) {
  const found = new Set(list.map((kase) => cases[kase].report));
  const ofCases = state.tied || state.open.some((box) => box !== null) || ["condition", "intervention", "outcome", "sex", "age-from", "age-to"].some((field) => state[field] !== "");
  const wanted = state.words.trim().toLowerCase(), full = wanted ? await allReports() : null, year = range("year");
  const fits = (report, number) => !report.cases.length && !ofCases && (year.every((v) => v === null) || (report.year !== null && lies(report.year, year))) &&
    (!full || report.title.toLowerCase().includes(wanted) || (full[number].text ?? "").toLowerCase().includes(wanted));
  return reports.map((_, number) => number).filter((number) => found.has(number) || fits(reports[number], number));
}

const count = (list) => new Set(list.map((f) => f.kase)).size;
