// A chart of curves over the run: hover shows figures in all charts at once, dragging zooms, a double click goes back.
function linearTicks(low, high, count) {
  const span = high - low || 1, raw = span / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map(factor => factor * power).find(size => size >= raw);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + 1e-9 * span; ++index) ticks.push(index * step);
  return ticks;
}
function logTicks(low, high) {
  const ticks = [], decades = Math.log10(high / low);
  const factors = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : [1, 1.5, 2, 3, 5, 7];
  const every = Math.max(1, Math.ceil(decades / 6));
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); ++power)
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001 && power % every === 0) ticks.push(tick);
    }
  return ticks.length > 1 ? ticks : linearTicks(low, high, 4).filter(tick => tick > 0);
}
const star = "M0,-7 L1.9,-2.3 6.7,-2.2 2.9,0.9 4.1,5.7 0,3 -4.1,5.7 -2.9,0.9 -6.7,-2.2 -1.9,-2.3 Z";

class Chart {
  static all = [];
  constructor(spec, parent, lines) {
    this.spec = spec;
    this.lines_ = lines || (() => linesOf(spec));
    this.log = spec.log === true;
    this.svg = drawn("svg", { class: "chart", height: 216, role: "img" });
    this.unit = element("span", { class: "faint" });
    this.logButton = element("button", { "aria-pressed": this.log, title: "logarithmic or linear scale", onclick: () => {
      this.log = !this.log;
      this.logButton.setAttribute("aria-pressed", this.log);
      this.paint();
    } }, "log");
    this.title = element("h3", {}, spec.title);
    parent.append(element("div", { class: "card" }, element("div", { class: "head" }, this.title, this.unit, this.logButton), this.svg));
    this.svg.onpointermove = event => this.hover(event);
    this.svg.onpointerleave = event => { tip(event, null); Chart.all.forEach(chart => chart.mark(null)); };
    this.svg.onpointerdown = event => { if (event.pointerType === "mouse" && event.button === 0) this.dragFrom = this.inside(event); };
    this.svg.onpointerup = event => this.endDrag(event);
    this.svg.ondblclick = () => zoomTo(null);
    new ResizeObserver(() => this.paint()).observe(this.svg);
    Chart.all.push(this);
  }

  range(lines) {
    let low = Infinity, high = -Infinity;
    for (const line of lines) {
      const lows = line.low || line.raw, highs = line.high || line.raw;
      line.x.forEach((x, index) => {
        if (x < this.x0 || x > this.x1) return;
        if (!this.log || lows[index] > 0) low = Math.min(low, lows[index]);
        high = Math.max(high, highs[index]);
      });
    }
    if (low > high || (this.log && high <= 0)) return [1, 10];
    if (this.log) return low === high ? [low / 2, high * 2] : [low / (high / low) ** 0.05, high * (high / low) ** 0.05];
    if (this.spec.zero) low = 0;
    const gap = (high - low || Math.abs(high) || 1) * 0.06;
    return [this.spec.zero || (low >= 0 && low < gap) ? Math.min(low, 0) : low - gap, high + gap];
  }

  paint() {
    const width = this.svg.clientWidth, height = 216;
    if (width === 0) return;
    const lines = this.lines = this.lines_();
    const xs = lines.flatMap(line => [line.x[0], last(line.x)]);
    [this.x0, this.x1] = shown.zoom || [Math.min(0, ...xs), Math.max(...xs, Number.MIN_VALUE)];
    [this.y0, this.y1] = this.range(lines);
    const text = this.spec.text || plain, ticks = this.log ? logTicks(this.y0, this.y1) : linearTicks(this.y0, this.y1, 4);
    this.left = 12 + 6.7 * Math.max(...ticks.map(tick => short(tick).length), 2);
    this.right = width - 10; this.top_ = 8; this.bottom = height - 36;
    const svg = this.svg, x = value => this.toX(value), y = value => this.toY(value);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", `${this.spec.title}, ${this.spec.unit}, over ${axes[shown.axis].title}`);
    this.unit.textContent = this.unit.title = this.spec.unit;
    const clip = "clip" + Chart.all.indexOf(this);
    svg.replaceChildren(drawn("clipPath", { id: clip },
      drawn("rect", { x: this.left - 7, y: this.top_ - 7, width: Math.max(1, this.right - this.left + 14), height: this.bottom - this.top_ + 8 })));
    const label = (string, attributes) => { const made = drawn("text", attributes); made.textContent = string; svg.append(made); };
    for (const tick of ticks) {
      svg.append(drawn("line", { class: "grid-line", x1: this.left, x2: this.right, y1: y(tick), y2: y(tick) }));
      label(short(tick), { x: this.left - 6, y: y(tick) + 4, "text-anchor": "end" });
    }
    svg.append(drawn("line", { class: "axis", x1: this.left, x2: this.right, y1: this.bottom, y2: this.bottom }));
    for (const tick of linearTicks(this.x0, this.x1, Math.max(2, Math.min(8, width / 90)))) {
      if (x(tick) > this.right - 6 && tick !== 0 && x(tick) > this.right) continue;
      svg.append(drawn("line", { class: "axis", x1: x(tick), x2: x(tick), y1: this.bottom, y2: this.bottom + 4 }));
      label(short(tick), { x: x(tick), y: this.bottom + 17, "text-anchor": x(tick) > this.right - 14 ? "end" : "middle" });
    }
    label(axes[shown.axis].title, { x: this.right, y: height - 4, "text-anchor": "end" });
    const plot = drawn("g", { "clip-path": `url(#${clip})` });
    for (const line of lines) this.paintLine(plot, line, x, y);
    this.cursor = drawn("g");
    svg.append(plot, this.cursor);
    this.text = text;
  }

  paintLine(plot, line, x, y) {
    const isHidden = value => this.log && value <= 0;
    const path = values => {
      let text = "", pen = "M";
      values.forEach((value, index) => {
        if (isHidden(value)) { pen = "M"; return; }
        text += `${pen}${x(line.x[index]).toFixed(1)},${y(value).toFixed(1)}`;
        pen = "L";
      });
      return text;
    };
    const colour = line.run.colour, isDevelopment = line.group === "development";
    if (line.low) {
      const low = line.low.map(value => this.log ? Math.max(value, this.y0) : value);
      const back = low.map((value, index) => `L${x(line.x[index]).toFixed(1)},${y(value).toFixed(1)}`).reverse().join("");
      const band = drawn("path", { class: "band", d: path(line.high.map(value => this.log ? Math.max(value, this.y0) : value)) + back + "Z" });
      band.style.fill = band.style.stroke = colour;
      plot.append(band);
    }
    if (line.y !== line.raw) {
      const raw = drawn("path", { class: "raw", d: path(line.raw) });
      raw.style.stroke = colour;
      plot.append(raw);
    }
    const curve = drawn("path", { class: isDevelopment && this.spec.training ? "line development" : "line", d: path(line.y) });
    curve.style.stroke = colour;
    plot.append(curve);
    if (!isDevelopment && line.x.length > 1) return;
    line.x.forEach((place, index) => {
      const isBest = isDevelopment && line.steps[index] === line.run.bestStep;
      if (isHidden(line.y[index]) || (!isBest && line.x.length > 60)) return;
      const mark = isBest ? drawn("path", { d: star, transform: `translate(${x(place)},${y(line.y[index])})` })
        : drawn("circle", { cx: x(place), cy: y(line.y[index]), r: 2.6 });
      mark.style.fill = colour;
      if (isBest) { mark.style.stroke = "var(--card)"; mark.style.paintOrder = "stroke"; mark.style.strokeWidth = 2.5; }
      plot.append(mark);
    });
  }

  toX(value) { return this.left + (this.right - this.left) * (value - this.x0) / (this.x1 - this.x0); }
  toY(value) {
    const part = this.log ? Math.log(value / this.y0) / Math.log(this.y1 / this.y0) : (value - this.y0) / (this.y1 - this.y0);
    return this.bottom - (this.bottom - this.top_) * part;
  }
  inside(event) { // the place on the axis under the pointer
    const part = (event.clientX - this.svg.getBoundingClientRect().left - this.left) / (this.right - this.left);
    return this.x0 + (this.x1 - this.x0) * Math.min(1, Math.max(0, part));
  }

  hover(event) {
    if (!this.lines) return;
    const value = this.inside(event);
    Chart.all.forEach(chart => chart.mark(value));
    if (this.dragFrom !== undefined && event.buttons === 1) {
      const from = this.toX(this.dragFrom), to = this.toX(value);
      this.cursor.append(drawn("rect", { class: "selection", x: Math.min(from, to), y: this.top_, width: Math.abs(to - from), height: this.bottom - this.top_ }));
    }
    const content = element("div");
    content.append(element("div", {}, `${axes[shown.axis].text(value)} ${axes[shown.axis].title}`));
    for (const line of this.lines) {
      const index = nearest(line.x, value);
      if (line.x[index] === undefined || value > last(line.x) + (this.x1 - this.x0) * 0.02) continue;
      let figure = this.text(line.y[index]);
      if (line.low) figure += ` (${this.text(line.low[index])} to ${this.text(line.high[index])})`;
      else if (line.y !== line.raw) figure += ` (raw ${this.text(line.raw[index])})`;
      const kind = this.spec.training && this.spec.development ? (line.group === "training" ? ", training" : ", development") : "";
      const best = line.group === "development" && line.steps[index] === line.run.bestStep ? " ★" : "";
      content.append(tipRow(line.run, line.run.name + kind + best, figure));
    }
    tip(event, content);
  }
  mark(value) {
    if (!this.cursor) return;
    this.cursor.replaceChildren();
    if (value === null || value < this.x0 || value > this.x1) return;
    const place = this.toX(value);
    this.cursor.append(drawn("line", { class: "cursor", x1: place, x2: place, y1: this.top_, y2: this.bottom }));
    for (const line of this.lines) {
      const index = nearest(line.x, value);
      if (line.x[index] === undefined || value > last(line.x) + (this.x1 - this.x0) * 0.02 || (this.log && line.y[index] <= 0)) continue;
      if (line.x[index] < this.x0 || line.x[index] > this.x1) continue;
      const dot = drawn("circle", { cx: this.toX(line.x[index]), cy: this.toY(line.y[index]), r: 3.5 });
      dot.style.fill = line.run.colour;
      dot.style.stroke = "var(--card)";
      this.cursor.append(dot);
    }
  }
  endDrag(event) {
    const from = this.dragFrom, to = this.inside(event);
    this.dragFrom = undefined;
    if (from !== undefined && Math.abs(this.toX(to) - this.toX(from)) > 8) zoomTo([Math.min(from, to), Math.max(from, to)]);
  }
}
function nearest(xs, value) {
  let best = 0;
  for (let low = 0, high = xs.length - 1; low <= high;) {
    const middle = (low + high) >> 1;
    if (Math.abs(xs[middle] - value) < Math.abs(xs[best] - value)) best = middle;
    if (xs[middle] < value) low = middle + 1; else high = middle - 1;
  }
  return best;
}
function zoomTo(range) {
  shown.zoom = range;
  at("unzoom").hidden = range === null;
  repaint();
}
