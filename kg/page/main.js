// Puts the views together: tabs, filter, address, drawing.

const idle = (act) => (window.requestIdleCallback ? requestIdleCallback(act, { timeout: 2000 }) : setTimeout(act, 200));
let round = 0; // counts drawings, so that a slow one does not overwrite a later one

// Draw the view in use; ``step`` makes it a step to which the browser's back button returns.
async function draw(step = false) {
  const mine = ++round;
  remember(step);
  $("main").setAttribute("aria-busy", "true");
  for (const view of VIEWS) {
    $(`tab-${view}`).setAttribute("aria-selected", String(view === state.view));
    $(`tab-${view}`).tabIndex = view === state.view ? 0 : -1;
    $(`view-${view}`).hidden = view !== state.view;
  }
  drawPath();
  const listed = state.view === "course" || state.view === "report";
  const { list, unknown } = listed ? await visibleCases() : await visibleFacts();
  if (mine !== round) return;
  const shown = listed ? list.length : count(list);
  $("count").textContent = `${shown.toLocaleString("en")} of ${plural(cases.length, "case")} in ${plural(reports.length, "report")} ${listed ? "match" : "are shown: those with a treatment and an outcome after it"}.` +
    (unknown ? ` Left out: ${plural(unknown, "case")} whose age, sex or year is not known.` : "");
  if (state.view === "course") await drawCourses(list);
  else if (state.view === "report") await drawReports(list);
  else if (state.view === "network") drawNetwork(list);
  else {
    const courses = coursesOf(list);
    if (state.view === "table") drawTable(courses);
    else { drawFlow(list, courses); drawLegend(courses); }
    if (state.chosen) await showChosen(list); else idlePanel();
  }
  if (mine === round) $("main").removeAttribute("aria-busy");
}

// Show the sentences of a pattern: of a box, or of a band between boxes.
async function choose(pattern) {
  state.chosen = pattern;
  remember(true);
  if (state.view === "flow") light();
  await showChosen((await visibleFacts()).list);
}

function showChosen(list) {
  const actions = state.chosen.map((key, column) => {
    const opens = column < 2 && key !== null && key >= 0 && list.some((f) => f[COLUMNS[column]] !== key && within(key)(f[COLUMNS[column]]));
    return opens ? button(`Open ${keyLabel(column, key)} ▸`, () => openBox(column, key)) : null;
  }).filter(Boolean);
  return showEvidence(patternLabel(state.chosen), list.filter((f) => matches(f, state.chosen)), actions);
}

function fillForm() {
  for (const field of FIELDS) $(field).value = state[field];
  $("tied").checked = state.tied;
  $("concept").value = state.concept;
  if (["sex", "age-from", "age-to", "year-from", "year-to"].some((field) => state[field] !== "") || state.tied) $("more").open = true;
}

function show(view) {
  state.view = view;
  state.page = 0;
  if (view !== "report") delete $("evidence").dataset.report;
  if (view === "course" || view === "network") idlePanel();
  draw(true);
  $(`tab-${view}`).focus();
}

function listen() {
  let waiting;
  for (const field of FIELDS) {
    $(field).addEventListener("input", (event) => {
      Object.assign(state, { [field]: event.target.value, page: 0, chosen: null });
      $("main").setAttribute("aria-busy", "true");
      clearTimeout(waiting);
      waiting = setTimeout(() => draw(), 120);
    });
  }
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  $("tied").addEventListener("change", (event) => { state.tied = event.target.checked; state.chosen = null; draw(); });
  $("concept").addEventListener("change", (event) => { state.concept = event.target.value; draw(true); });
  $("reset").addEventListener("click", () => { const { view, report } = state; clear(); Object.assign(state, { view, report }); fillForm(); draw(true); });
  VIEWS.forEach((view, at) => {
    const tab = $(`tab-${view}`);
    tab.addEventListener("click", () => { if (view === "report" && reports.length > 1) state.report = null; show(view); });
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show(VIEWS.at(to % VIEWS.length));
    });
  });
  $("flow").addEventListener("keydown", flowKeys);
  window.addEventListener("popstate", () => { readAddress(); fillForm(); draw(); });
  let width = innerWidth, resizing;
  window.addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's address bar comes and goes
    width = innerWidth;
    clearTimeout(resizing);
    resizing = setTimeout(() => draw(), 150);
  });
}

function fillOutcomes() {
  const used = new Set(cases.flatMap(({ held }) => held[2]));
  outcomes.forEach(({ label }, number) => { if (used.has(number)) $("outcome").append(el("option", { value: number }, label)); });
}

// The names that the fields suggest: thousands, so not before there is time.
function fillLists() {
  const option = (label) => el("option", { value: label });
  const named = (column) => boxes.filter((box) => box.column === column && box.curie).map(({ label }) => label).sort((a, b) => a.localeCompare(b, "en"));
  $("conditions").append(...named(0).map(option));
  $("interventions").append(...named(1).map(option));
  const central = [...networks.keys()].map((key) => nodeLabel(key.split("/").map(Number)));
  $("concepts").append(...central.sort((a, b) => a.localeCompare(b, "en")).map(option));
}

(async () => {
  if (typeof DecompressionStream === "undefined") {
    $("count").textContent = "This browser is too old to open the data of this page; any of 2023 or later does.";
    return;
  }
  await openCore();
  fillOutcomes();
  readAddress();
  fillForm();
  listen();
  await draw();
  idle(fillLists);
  for (const number of packs.keys()) {
    await new Promise(idle);
    await pack(number); // one at a time, so that a reader's click does not wait for all
  }
})();
