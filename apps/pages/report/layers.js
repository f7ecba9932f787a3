// Norms of every layer over the run: a heat map for each run in one common scale of colours, and one layer's curves.
const layerFigures = {
  gradient: { title: "Gradient norm", unit: "before clipping" },
  update: { title: "Update / weight", unit: "norm of an update over the norm of the weights" },
  weight: { title: "Weight norm", unit: "before the update" },
};
const layersShown = { figure: "gradient", layer: null, maps: [] };
const withLayers = () => visible().filter(run => run.layers);

const ramp = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]];
function shade(part) { // 0..1, dark violet to yellow
  const place = Math.min(1, Math.max(0, part)) * (ramp.length - 1), low = Math.min(ramp.length - 2, Math.floor(place));
  const mix = channel => Math.round(ramp[low][channel] + (ramp[low + 1][channel] - ramp[low][channel]) * (place - low));
  return `rgb(${mix(0)},${mix(1)},${mix(2)})`;
}
// The middle 98 % of all figures take the whole ramp: single peaks do not make everything else dark.
function heatRange() {
  const values = withLayers().flatMap(run => run.layers[layersShown.figure].flat()).filter(value => value > 0).sort((a, b) => a - b);
  if (values.length === 0) return [1, 10];
  const low = values[Math.floor(values.length * 0.01)], high = values[Math.ceil(values.length * 0.99) - 1];
  return low === high ? [low / 2, high * 2] : [low, high];
}

class HeatMap {
  constructor(run, parent) {
    this.run = run;
    this.canvas = element("canvas", { class: "heat", role: "img", "aria-label": "layers of " + run.name + " over the run" });
    parent.append(element("div", { class: "card" }, element("div", { class: "head" }, element("h3", {}, runLabel(run))), this.canvas));
    this.canvas.onpointermove = event => this.hover(event);
    this.canvas.onpointerleave = event => tip(event, null);
    this.canvas.onclick = event => { const cell = this.cell(event); if (cell) chooseLayer(this.run.layers.names[cell.layer]); };
    new ResizeObserver(() => this.paint()).observe(this.canvas);
  }
  paint() {
    const { names, x } = this.run.layers, canvas = this.canvas, context = canvas.getContext("2d");
    const width = canvas.clientWidth, line = 19, scale = window.devicePixelRatio || 1;
    if (width === 0) return;
    const height = names.length * line + 22, style = getComputedStyle(document.documentElement);
    canvas.width = width * scale; canvas.height = height * scale;
    canvas.style.height = height + "px";
    context.scale(scale, scale);
    context.font = '12px system-ui, "Noto Sans", sans-serif';
    context.textBaseline = "middle";
    this.line = line;
    this.left = Math.ceil(Math.max(...names.map(name => context.measureText(name).width))) + 10;
    this.places = x.map(step => place(this.run, step));
    const start = this.places.length > 1 ? Math.max(0, this.places[0] - (this.places[1] - this.places[0])) : 0;
    [this.x0, this.x1] = shown.zoom || [Math.min(start, this.places[0]), last(this.places)];
    if (this.x1 <= this.x0) this.x0 = 0;
    const [low, high] = heatRange();
    const toX = value => this.left + (width - this.left - 2) * (value - this.x0) / (this.x1 - this.x0);
    names.forEach((name, layer) => {
      context.fillStyle = style.getPropertyValue(name === layersShown.layer ? "--ink" : "--faint");
      context.textAlign = "right";
      context.fillText(name, this.left - 8, layer * line + line / 2);
      this.places.forEach((right, column) => {
        const left = column === 0 ? start : this.places[column - 1];
        if (right < this.x0 || left > this.x1) return;
        const value = this.run.layers[layersShown.figure][column][layer];
        context.fillStyle = value > 0 ? shade(Math.log(value / low) / Math.log(high / low)) : style.getPropertyValue("--panel");
        const from = Math.max(this.left, toX(left)), to = Math.min(width - 2, toX(right));
        context.fillRect(from, layer * line, Math.max(1, to - from + 0.5), line - 1);
      });
      if (name === layersShown.layer) {
        context.strokeStyle = style.getPropertyValue("--ink");
        context.lineWidth = 1.5;
        context.strokeRect(this.left - 0.5, layer * line - 0.5, width - this.left - 1, line);
      }
    });
    context.fillStyle = style.getPropertyValue("--faint");
    const bottom = names.length * line + 12;
    for (const tick of linearTicks(this.x0, this.x1, Math.max(2, Math.min(6, width / 110)))) {
      const where = toX(tick);
      context.textAlign = where > width - 20 ? "right" : where < this.left + 12 ? "left" : "center";
      context.fillText(short(tick), where, bottom);
    }
  }
  cell(event) {
    const box = this.canvas.getBoundingClientRect();
    const layer = Math.floor((event.clientY - box.top) / this.line), right = event.clientX - box.left - this.left;
    if (layer < 0 || layer >= this.run.layers.names.length || right < -this.left) return null;
    const value = this.x0 + (this.x1 - this.x0) * Math.max(0, right) / (box.width - this.left - 2);
    const column = this.places.findIndex(place => place >= value);
    return { layer, column: column < 0 ? this.places.length - 1 : column };
  }
  hover(event) {
    const cell = this.cell(event);
    if (!cell) return tip(event, null);
    const content = element("div", {}, element("div", {}, `${this.run.layers.names[cell.layer]}, update ${whole(this.run.layers.x[cell.column])}`));
    for (const [key, figure] of Object.entries(layerFigures))
      content.append(element("div", { class: "row" }, element("span"), element("span", {}, figure.title),
        element("span", { class: "number" }, plain(this.run.layers[key][cell.column][cell.layer]))));
    tip(event, content);
  }
}

function layerLines() {
  return withLayers().filter(run => run.layers.names.includes(layersShown.layer)).map(run => {
    const row = run.layers.names.indexOf(layersShown.layer);
    const raw = run.layers[layersShown.figure].map(column => column[row]);
    return { run, group: "training", raw, steps: run.layers.x, x: run.layers.x.map(step => place(run, step)), y: smooth(raw, shown.smoothing) };
  });
}
function chooseLayer(name) {
  layersShown.layer = name;
  at("layer").value = name;
  repaintLayers();
}
function repaintLayers() {
  if (!layersShown.chart) return;
  const figure = layerFigures[layersShown.figure], [low, high] = heatRange();
  at("ramp-low").textContent = plain(low);
  at("ramp-high").textContent = plain(high);
  layersShown.chart.spec.title = layersShown.chart.title.textContent = `${figure.title} of ${layersShown.layer}`;
  layersShown.chart.spec.unit = figure.unit;
  layersShown.chart.paint();
  for (const map of layersShown.maps) {
    map.canvas.parentNode.hidden = shown.hidden.has(map.run);
    map.paint();
  }
}
function buildLayers() {
  const section = at("layers"), all = runs.filter(run => run.layers);
  if (all.length === 0) {
    section.append(element("p", { class: "faint" }, "These runs measured no layers. training.norms_every says how often a run does."));
    return;
  }
  const names = [...new Set(all.flatMap(run => run.layers.names))];
  layersShown.layer = names.find(name => name.startsWith("encoder.layers")) || names[0];
  const buttons = Object.entries(layerFigures).map(([key, figure]) =>
    element("button", { "aria-pressed": key === layersShown.figure, title: figure.unit, onclick: event => {
      layersShown.figure = key;
      buttons.forEach(button => button.setAttribute("aria-pressed", button === event.currentTarget));
      repaintLayers();
    } }, figure.title));
  const colours = element("canvas", { width: 130, height: 10 }), context = colours.getContext("2d");
  for (let column = 0; column < 130; ++column) { context.fillStyle = shade(column / 129); context.fillRect(column, 0, 1, 10); }
  const select = element("select", { id: "layer", "aria-label": "layer", onchange: event => chooseLayer(event.target.value) },
    ...names.map(name => element("option", { value: name, selected: name === layersShown.layer }, name)));
  section.append(element("div", { class: "bar" }, element("div", { class: "group" }, ...buttons),
    element("div", { class: "ramp" }, element("span", { id: "ramp-low" }), colours, element("span", { id: "ramp-high" }), element("span", {}, "logarithmic"))));
  const maps = element("div", { class: "maps" });
  section.append(maps, element("div", { class: "bar" }, element("label", { class: "faint" }, "Curve of layer ", select),
    element("span", { class: "faint" }, "or click a row of a map")));
  const single = element("div", { class: "maps" });
  section.append(single);
  layersShown.maps = all.map(run => new HeatMap(run, maps));
  layersShown.chart = new Chart({ title: "", unit: "", training: "layer", log: true }, single, layerLines);
  repaintLayers();
}
