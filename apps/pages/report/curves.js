// The runs, what of them is shown, and which figures make a chart.
const data = JSON.parse(at("data").textContent);
const runs = data.runs;
runs.forEach((run, index) => { run.colour = `var(--run${index % 8})`; });
const shown = { axis: "updates", smoothing: 0, hidden: new Set(), zoom: null };
const visible = () => runs.filter(run => !shown.hidden.has(run));
const last = list => list[list.length - 1];

// Between the points of a curve, straight lines; beyond its ends, the nearest point.
function valueAt(curve, step) {
  const x = curve.x, y = curve.y;
  if (step <= x[0]) return x[0] > 0 && step >= 0 ? y[0] * step / x[0] : y[0]; // counters begin at zero
  if (step >= last(x)) return last(y);
  let low = 0, high = x.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x[middle] <= step) low = middle; else high = middle;
  }
  return y[low] + (y[high] - y[low]) * (step - x[low]) / (x[high] - x[low]);
}
const axes = {
  updates: { title: "updates", place: (run, step) => step, text: whole },
  tokens: { title: "target tokens", place: (run, step) => valueAt(run.training.target_tokens, step), text: short, needs: "target_tokens" },
  hours: { title: "hours of training", place: (run, step) => valueAt(run.training.seconds, step) / 3600, text: plain, needs: "seconds" },
};
const place = (run, step) => {
  const axis = axes[shown.axis];
  return axis.needs && !run.training[axis.needs] ? NaN : axis.place(run, step);
};

// An exponential average that makes up for having begun at nothing.
function smooth(values, weight) {
  if (weight === 0) return values;
  let sum = 0, share = 0;
  return values.map(value => {
    sum = weight * sum + (1 - weight) * value;
    share = weight * share + 1 - weight;
    return sum / share;
  });
}

// What a chart shows: curves of training (a line) and of the development set (dots).
const named = [
  { title: "Loss", unit: "nats per target token", training: "nll", development: "loss" },
  { title: "Perplexity", unit: "per target token", training: "ppl", development: "ppl", log: true },
  { title: "Accuracy", unit: "of target tokens, %", training: "acc", development: "acc", factor: 100, text: percent },
  { title: "BLEU", unit: "development set", development: "bleu" },
  { title: "chrF", unit: "development set", development: "chrf" },
  { title: "ROUGE-1", unit: "development set", development: "rouge1" },
  { title: "ROUGE-2", unit: "development set", development: "rouge2" },
  { title: "ROUGE-L", unit: "development set", development: "rougeL" },
  { title: "Copied", unit: "share of the targets' probability, %", training: "copied", factor: 100, text: percent },
  { title: "Training objective", unit: "loss with label smoothing, nats", training: "loss" },
  { title: "Learning rate", unit: "per update", training: "lr", zero: true },
  { title: "Gradient norm", unit: "before clipping, mean between reports", training: "norm", log: true },
  { title: "Speed", unit: "target tokens per second", training: "tokens_per_second", text: whole, zero: true },
  { title: "Memory", unit: "resident, MiB", training: "memory", factor: 2 ** -20, text: value => bytes(value * 2 ** 20), zero: true },
  { title: "GPU memory", unit: "held by the allocator, MiB", training: "device_memory", factor: 2 ** -20, text: value => bytes(value * 2 ** 20), zero: true },
];
const counters = new Set(["target_tokens", "seconds", "skipped"]);
const hasData = curve => curve && curve.y.some(value => value !== 0);
function chartSpecs() {
  const specs = named.filter(spec => runs.some(run =>
    hasData(run.training[spec.training]) || hasData(run.development[spec.development])));
  // Figures that this page knows nothing of are shown under the log's name.
  for (const group of ["training", "development"]) {
    const known = new Set(named.map(spec => spec[group]));
    const others = new Set(runs.flatMap(run => Object.keys(run[group]).filter(key => hasData(run[group][key]))));
    for (const key of others)
      if (!known.has(key) && !counters.has(key)) specs.push({ title: key, unit: group === "training" ? "training" : "development set", [group]: key });
  }
  return specs;
}

// The lines of a chart as numbers: [{ run, group, x, y, raw, low, high, steps }].
function linesOf(spec) {
  const factor = spec.factor || 1, lines = [];
  for (const run of visible()) {
    for (const group of ["training", "development"]) {
      const curve = spec[group] && run[group][spec[group]];
      if (!hasData(curve)) continue;
      const scaled = list => list && list.map(value => value * factor);
      const raw = scaled(curve.y);
      lines.push({
        run, group, raw, steps: curve.x, x: curve.x.map(step => place(run, step)),
        y: group === "training" ? smooth(raw, shown.smoothing) : raw,
        low: scaled(curve.low), high: scaled(curve.high),
      });
    }
  }
  return lines.filter(line => !line.x.some(Number.isNaN));
}
