// Controls, and everything together.
function repaint() {
  Chart.all.forEach(chart => chart.paint());
  repaintLayers();
}
function preferredTheme() {
  try { return localStorage.getItem("dragoman-theme"); } catch { return null; } // a page from a file may have none
}
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  at("theme").textContent = theme === "dark" ? "light" : "dark";
  repaint();
}
function buildControls() {
  const chips = runs.map(run => {
    const chip = element("button", { class: "chip", "aria-pressed": true, title: "show or hide; with the Shift key: only this run", onclick: event => {
      if (event.shiftKey) runs.forEach(other => other === run ? shown.hidden.delete(other) : shown.hidden.add(other));
      else if (!shown.hidden.delete(run)) shown.hidden.add(run);
      chips.forEach((other, index) => other.setAttribute("aria-pressed", !shown.hidden.has(runs[index])));
      repaint();
      if (at("sample-list")) paintSamples();
    } }, ...runLabel(run).childNodes);
    return chip;
  });
  const axis = element("select", { onchange: event => { shown.axis = event.target.value; zoomTo(null); } },
    ...Object.entries(axes).filter(([, one]) => !one.needs || runs.some(run => run.training[one.needs])).map(([key, one]) => element("option", { value: key }, one.title)));
  const strength = element("output", {}, "0");
  const slider = element("input", { type: "range", min: 0, max: 0.98, step: 0.02, value: 0, oninput: () => {
    shown.smoothing = Number(slider.value);
    strength.textContent = shown.smoothing.toFixed(2);
    repaint();
  } });
  at("controls").append(element("div", { class: "chips" }, ...chips), element("label", {}, "over", axis),
    element("label", { title: "exponential average of training curves" }, "smoothing", slider, strength),
    element("div", { class: "end" },
      element("button", { id: "unzoom", hidden: true, onclick: () => zoomTo(null) }, "whole run"),
      element("button", { id: "theme", title: "light or dark", onclick: () => {
        const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
        try { localStorage.setItem("dragoman-theme", theme); } catch { /* not kept */ }
        setTheme(theme);
      } })));
}
function buildCharts() {
  const line = (attributes, ...more) => {
    const svg = drawn("svg", { width: 26, height: 12 });
    const path = drawn("line", { x1: 1, x2: 25, y1: 6, y2: 6, "stroke-width": 1.7, ...attributes });
    path.style.stroke = "currentColor";
    svg.append(path, ...more);
    return svg;
  };
  const best = drawn("path", { d: star, transform: "translate(13,6.5) scale(.8)" });
  best.style.fill = "currentColor";
  at("charts").append(element("p", { class: "key" }, element("span", {}, line({}), "training"), element("span", {}, line({ "stroke-dasharray": "5 3" }), "development set, where both are shown"),
    element("span", {}, line({ opacity: 0 }, best), "best checkpoint"), element("span", {}, "drag across a chart to zoom, double click to go back")));
  const grid = element("div", { class: "grid" });
  at("charts").append(grid);
  const specs = chartSpecs();
  if (specs.length === 0) grid.append(element("p", { class: "faint" }, "Nothing was logged yet."));
  specs.forEach(spec => new Chart(spec, grid));
}
at("heading").textContent = document.title = runs.length === 1 ? "Training report: " + runs[0].name : `Training report: ${runs.length} runs`;
at("made").textContent = `${data.version}, ${moment(data.now)}`;
buildControls();
buildOverview();
buildCharts();
buildLayers();
buildSamples();
buildData();
buildConfig();
buildEnvironment();
buildNotices();
setTheme(preferredTheme() || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
