// Elements, and numbers as people read them.
const at = id => document.getElementById(id);

// element("td", { class: "number" }, "12"): texts become text nodes, never markup.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made[key] = value;
    else if (key.startsWith("aria-")) made.setAttribute(key, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}
function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const whole = value => Math.round(value).toLocaleString("en");
function plain(value) { // four digits that matter
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace("e+", "e");
  if (size >= 1000) return whole(value);
  return String(Number(value.toPrecision(4)));
}
function short(value) { // for axes
  const size = Math.abs(value);
  if (value === 0) return "0";
  for (const [unit, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (size >= unit) return Number((value / unit).toPrecision(3)) + letter;
  return size < 1e-3 ? String(Number(value.toPrecision(3)).toExponential()).replace("e+", "e") : String(Number(value.toPrecision(3)));
}
const percent = value => value.toFixed(1) + " %";
function bytes(value) {
  return value >= 2 ** 30 ? (value / 2 ** 30).toFixed(2) + " GiB" : whole(value / 2 ** 20) + " MiB";
}
function duration(seconds) {
  if (seconds < 60) return Math.round(seconds) + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min " + String(Math.floor(seconds % 60)).padStart(2, "0") + " s";
  if (seconds < 48 * 3600) return Math.floor(seconds / 3600) + " h " + String(Math.floor(seconds / 60 % 60)).padStart(2, "0") + " min";
  return (seconds / 86400).toFixed(1) + " days";
}
function moment(seconds) { // the reader's time zone
  const date = new Date(seconds * 1000), two = number => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

// A box beside the pointer.
function tip(event, content) {
  const box = at("tip");
  box.style.display = content ? "block" : "none";
  if (!content) return;
  box.replaceChildren(content);
  const left = event.clientX + 16 + box.offsetWidth > window.innerWidth - 8 ? event.clientX - 16 - box.offsetWidth : event.clientX + 16;
  box.style.left = Math.max(8, left) + "px";
  box.style.top = Math.max(8, Math.min(event.clientY + 16, window.innerHeight - box.offsetHeight - 8)) + "px";
}
function tipRow(run, label, value) {
  const row = element("div", { class: "row" });
  const dot = element("span", { class: "dot" });
  dot.style.setProperty("--colour", run.colour);
  row.append(dot, element("span", {}, label), element("span", { class: "number" }, value));
  return row;
}
function runLabel(run) {
  const dot = element("span", { class: "dot" });
  dot.style.setProperty("--colour", run.colour);
  return element("span", { class: "chip" }, dot, run.name);
}
