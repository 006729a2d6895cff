// Making nodes. All text enters the page through textContent, never as markup.

const $ = (id) => document.getElementById(id);
const SVG = new Set(["svg", "g", "path", "rect", "circle", "line", "text", "title", "tspan"]);
const FONT = 'system-ui, "Noto Sans", "Noto Sans CJK KR", sans-serif';

function el(name, attributes = {}, ...children) {
  const node = SVG.has(name) ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function button(label, act, attributes = {}) {
  const node = el("button", { type: "button", ...attributes }, label);
  node.addEventListener("click", act);
  return node;
}

// A part of a picture that acts like a button.
function press(node, act) {
  node.addEventListener("click", act);
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(event); }
  });
}

// Words in a picture that the name of their button says in full: they let the pointer through to the button.
const silent = { "aria-hidden": "true", "pointer-events": "none" };
const target = (x, y, width, height) => el("rect", { x, y, width, height, fill: "#000000", "fill-opacity": 0 });

// Words of a report: their direction is their own, and so is their language where it is known.
function words(text, language, name = "span", attributes = {}) {
  return el(name, { dir: "auto", lang: language || null, ...attributes }, text);
}

const plural = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

const ruler = document.createElement("canvas").getContext("2d");
function measure(text, size, weight = 400) {
  ruler.font = `${weight} ${size}px ${FONT}`;
  return ruler.measureText(text).width;
}

// The text, cut with an ellipsis if it is wider than that many pixels.
function fit(text, width, size, weight = 400) {
  if (measure(text, size, weight) <= width) return text;
  const points = Array.from(text);
  let low = 0, high = points.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (measure(`${points.slice(0, middle).join("")}…`, size, weight) <= width) low = middle; else high = middle - 1;
  }
  return `${points.slice(0, low).join("").trimEnd()}…`;
}

// The text in at most so many lines of that width.
function wrap(text, width, size, lines) {
  const done = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line && done.length < lines - 1 && measure(`${line} ${word}`, size) > width) { done.push(line); line = word; }
    else line = line ? `${line} ${word}` : word;
  }
  return [...done, line].map((part) => fit(part, width, size));
}

// Hand the picture to the reader as an SVG file; it holds all it needs.
function save(svg, name) {
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const { width, height } = svg.viewBox.baseVal;
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const source = new XMLSerializer().serializeToString(copy);
  const address = URL.createObjectURL(new Blob([source], { type: "image/svg+xml" }));
  const link = el("a", { href: address, download: `${name.replace(/[^\w.-]+/g, "-").slice(0, 80)}.svg` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

const COLOURS = ["#08306b", "#08519c", "#3182bd", "#6baed6", "#b0d2e8", "#969696", "#fdc38d", "#fd8d3c", "#d9591c", "#a63603", "#4f1d05"];
const colour = (outcome) => COLOURS[outcomes[outcome].colour % COLOURS.length];
// Black or white, whichever can be read on that colour.
const inkOn = (fill) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(fill.slice(at, at + 2), 16));
  return (r * 299 + g * 587 + b * 114) / 1000 > 118 ? "#1b2430" : "#ffffff";
};
