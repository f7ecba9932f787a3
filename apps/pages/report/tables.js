// What stands in tables: the runs at a glance, data, configuration, environment, events.
const flat = (value, path = "", found = {}) => {
  if (value !== null && typeof value === "object" && Object.keys(value).length > 0)
    for (const [key, inner] of Object.entries(value)) flat(inner, path ? path + "." + key : key, found);
  else found[path] = value;
  return found;
};
const stateTexts = {
  finished: "finished", interrupted: "interrupted", failed: "failed", running: "running", silent: "cut off",
};
const metricNames = { loss: "loss", accuracy: "accuracy", acc: "accuracy", bleu: "BLEU", chrf: "chrF", rouge1: "ROUGE-1", rouge2: "ROUGE-2", rougeL: "ROUGE-L" };
function table(head, rows, attributes = {}) {
  const labels = head.map(cell => typeof cell === "string" ? cell : cell.textContent);
  return element("div", { class: "scroll" }, element("table", attributes,
    element("thead", {}, element("tr", {}, ...head.map((cell, index) =>
      element("th", { class: rows.length && rows.some(row => row[index] && row[index].number) ? "number" : null }, cell)))),
    element("tbody", {}, ...rows.map(row => element("tr", {}, ...row.map((cell, index) => {
      const content = cell && cell.content !== undefined ? cell.content : cell;
      return element(index === 0 ? "th" : "td", { class: cell && (cell.class || (cell.number ? "number" : null)), "data-label": labels[index] }, content === null || content === undefined ? "–" : content);
    }))))));
}
const number = content => ({ content, number: true });
const steps = run => Math.max(0, ...["loss", "nll"].map(key => run.training[key] ? last(run.training[key].x) : 0), ...run.notices.map(notice => notice.step));
const trainingTime = run => run.training.seconds ? last(run.training.seconds.y) : 0;
function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
function bestOf(run) {
  const wanted = run.config && run.config.training && run.config.training.best_metric || "loss";
  const key = wanted === "accuracy" ? "acc" : wanted, curve = run.development[key];
  const index = curve ? curve.x.indexOf(run.bestStep) : -1;
  if (index < 0) return null;
  const factor = key === "acc" ? 100 : 1;
  return { name: metricNames[key] || key, value: curve.y[index] * factor };
}
function buildOverview() {
  const bests = runs.map(bestOf), metrics = new Set(bests.filter(Boolean).map(best => best.name));
  const head = ["Run", "State", "Updates", "Training time", "Parameters", metrics.size === 1 ? "Best " + [...metrics][0] : "Best score", "at update", "Lowest dev loss", "Tokens/s"];
  const rows = runs.map((run, index) => {
    const best = bests[index], loss = run.development.loss, speed = run.training.tokens_per_second;
    return [
      { content: runLabel(run) }, { content: stateTexts[run.state], class: "state " + run.state }, number(whole(steps(run))),
      number(trainingTime(run) ? duration(trainingTime(run)) : null), number(run.start && run.start.parameters ? short(run.start.parameters) : null),
      number(best ? (metrics.size > 1 ? best.name + " " : "") + plain(best.value) : null), number(best ? whole(run.bestStep) : null),
      number(loss ? plain(Math.min(...loss.y)) : null), number(speed ? whole(middle(speed.y)) : null),
    ];
  });
  at("overview").append(table(head, rows, { class: "cards" }));
  for (const run of runs) {
    const reason = last(run.notices.filter(notice => notice.kind === "failed" || notice.kind === "finished"));
    let text = "";
    if (run.state === "failed") text = `failed after update ${whole(reason.step)}: ${reason.text}`;
    if (run.state === "silent") text = `the log ends at update ${whole(steps(run))}, ${moment(run.lastTime)}, without a word: the process was killed or crashed. dragoman train --resume goes on from the last checkpoint.`;
    if (run.state === "running") text = `still runs: the last line is of ${moment(run.lastTime)}, ${duration(Math.max(0, data.now - run.lastTime))} before this page was made.`;
    if (run.state === "interrupted") text = `was interrupted at update ${whole(reason.step)}; dragoman train --resume goes on.`;
    if (text) at("overview").append(element("div", { class: "banner " + run.state }, element("strong", {}, run.name), ": " + text));
  }
}

function buildData() {
  const counts = [["read", "pairs read, as last logged"], ["kept", "kept"], ["empty", "an empty side"], ["too_short", "too short"], ["too_long", "too long"], ["ratio", "length ratio"], ["source_cut", "source cut"], ["repaired", "invalid text repaired"]];
  const rows = [];
  const add = (label, value) => {
    const cells = runs.map(value);
    if (cells.some(cell => cell !== null && cell !== undefined)) rows.push([label, ...cells.map(number)]);
  };
  const config = (run, ...path) => path.reduce((value, key) => value === null || value === undefined ? null : value[key], run.config);
  for (const [key, label] of counts)
    if (runs.some(run => run.data && run.data[key] > 0))
      add(label, run => !run.data ? null : whole(run.data[key]) + (key !== "read" && run.data.read > 0 ? ` (${percent(100 * run.data[key] / run.data.read)})` : ""));
  add("target tokens trained on", run => run.training.target_tokens ? whole(last(run.training.target_tokens.y)) : null);
  add("target tokens per update", run => run.training.target_tokens ? whole(last(run.training.target_tokens.y) / last(run.training.target_tokens.x)) : null);
  add("source vocabulary", run => config(run, "model", "source_vocabulary") && whole(config(run, "model", "source_vocabulary")));
  add("target vocabulary", run => config(run, "model", "target_vocabulary") && whole(config(run, "model", "target_vocabulary")));
  const corpora = run => (config(run, "data", "train") || []).concat(config(run, "data", "dev") || []).filter(corpus => corpus.source);
  if (rows.length > 0) at("data-statistics").append(table(["", ...runs.map(runLabel)], rows));
  const files = new Map();
  for (const run of runs)
    for (const corpus of corpora(run)) {
      const key = corpus.source + "\n" + (corpus.target || "");
      if (!files.has(key)) files.set(key, { corpus, use: (config(run, "data", "dev") || {}).source === corpus.source ? "development" : "training", runs: [] });
      files.get(key).runs.push(run);
    }
  if (files.size > 0)
    at("data-statistics").append(element("details", { open: runs.length === 1 }, element("summary", {}, "Corpora"), table(["Used for", "Source", "Target", "Runs"], [...files.values()].map(file =>
      [file.use, { content: file.corpus.source, class: "text" }, { content: file.corpus.target || "–", class: "text" },
        file.runs.length === runs.length ? "all" : { content: element("span", { class: "bar", style: "margin:0" }, ...file.runs.map(runLabel)) }]))));
  if (rows.length === 0 && files.size === 0) at("data-statistics").append(element("p", { class: "faint" }, "Nothing was logged."));
}

const written = value => value === undefined ? "–" : typeof value === "string" ? (value === "" ? '""' : value) : JSON.stringify(value);
function buildConfig() {
  const section = at("config"), flats = runs.map(run => run.config ? flat(run.config) : {});
  const keys = [...new Set(flats.flatMap(Object.keys))];
  if (keys.length === 0) { section.append(element("p", { class: "faint" }, "No config.json could be read.")); return; }
  const differs = key => flats.some(one => written(one[key]) !== written(flats[0][key]));
  const row = key => [key, ...flats.map(one => ({ content: written(one[key]), class: runs.length > 1 && differs(key) && written(one[key]) !== written(flats[0][key]) ? "text differs" : "text" }))];
  if (runs.length > 1) {
    const different = keys.filter(key => differs(key) && key !== "training.output");
    section.append(different.length === 0 ? element("p", { class: "faint" }, "The runs have the same settings, except training.output.")
      : table(["Differences", ...runs.map(runLabel)], different.map(row)));
  }
  const body = element("div"), search = element("input", { type: "search", placeholder: "find a setting", "aria-label": "find a setting" });
  const paint = () => body.replaceChildren(table(["Setting", ...runs.map(runLabel)], keys.filter(key => key.includes(search.value.trim())).map(row)));
  search.oninput = paint;
  paint();
  section.append(element("details", {}, element("summary", {}, "All settings"), element("div", { class: "bar" }, search), body));
}

function buildEnvironment() {
  const rows = [["dragoman", "Dragoman"], ["libtorch", "LibTorch"], ["processor", "processor"], ["instructions", "instructions"], ["cores", "cores"], ["gpus", "GPUs"], ["compiler", "compiler"], ["build", "build"],
    ["device", "device"], ["precision", "precision"], ["threads", "threads"]]
    .map(([key, label]) => [label, ...runs.map(run => {
      const value = (run.environment || {})[key] ?? (run.start || {})[key];
      return value === undefined ? null : String(value);
    })]).filter(row => row.slice(1).some(value => value !== null));
  rows.unshift(["folder", ...runs.map(run => ({ content: run.path, class: "text" }))]);
  at("environment").append(table(["", ...runs.map(runLabel)], rows));
}

function buildNotices() {
  const all = runs.flatMap(run => run.notices.map(notice => ({ run, ...notice }))).sort((a, b) => a.time - b.time);
  const kinds = { started: "started", resumed: "resumed", finished: "finished", failed: "failed", warning: "warning", note: "note" };
  const warnings = all.filter(notice => notice.kind === "warning").length;
  const list = table(["Run", "Time", "Update", "Event", ""], all.map(notice => [{ content: runLabel(notice.run) }, { content: moment(notice.time), class: "state" },
    number(whole(notice.step)), kinds[notice.kind] || notice.kind, { content: notice.text || "", class: "text " + notice.kind }]), { class: "log" });
  [...list.querySelectorAll("tbody tr")].forEach((row, index) => row.classList.add(all[index].kind));
  at("notices").append(element("details", { open: all.length <= 12 || warnings > 0 },
    element("summary", {}, `${all.length === 1 ? "1 event" : all.length + " events"}, ${warnings === 1 ? "1 warning" : warnings + " warnings"}`), list));
}
