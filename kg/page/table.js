// The numbers of the picture as a table.

function drawTable(courses) {
  const head = [["Condition", ""], ["Treatment", ""], ["Outcome", ""], ["Cases", "n"], ["Attributed", "n"]];
  $("table").tHead.rows[0].replaceChildren(...head.map(([label, css]) => el("th", { scope: "col", class: css }, label)));
  const label = ({ key }) => key.map((k, column) => keyLabel(column, k)).join(" → ");
  const sorted = [...courses].sort((a, b) => b.cases.size - a.cases.size || label(a).localeCompare(label(b), "en"));
  $("table").tBodies[0].replaceChildren(...sorted.map((course) => {
    const read = button(keyLabel(1, course.key[1]), () => choose(course.key), { class: "plain", "aria-label": `Read the sentences of ${label(course)}` });
    return el("tr", {}, el("td", {}, keyLabel(0, course.key[0])), el("td", {}, read), el("td", {}, keyLabel(2, course.key[2])),
      el("td", { class: "n" }, course.cases.size.toLocaleString("en")), el("td", { class: "n" }, course.tied.size.toLocaleString("en")));
  }));
}
