// How the same development lines were translated as training went on, compared with the reference.
const pieces = text => /\s/.test(text.trim()) ? text.split(/\s+/).filter(Boolean) : [...text];

// The longest common subsequence of words: [{ kind: "same" | "add" | "drop", words }].
function differences(reference, translation) {
  const width = translation.length + 1, table = new Uint16Array((reference.length + 1) * width);
  for (let r = reference.length - 1; r >= 0; --r)
    for (let t = translation.length - 1; t >= 0; --t)
      table[r * width + t] = reference[r] === translation[t] ? table[(r + 1) * width + t + 1] + 1
        : Math.max(table[(r + 1) * width + t], table[r * width + t + 1]);
  const parts = [];
  const add = (kind, word) => {
    const end = last(parts);
    if (end && end.kind === kind) end.words.push(word); else parts.push({ kind, words: [word] });
  };
  let r = 0, t = 0;
  while (r < reference.length || t < translation.length) {
    if (r < reference.length && t < translation.length && reference[r] === translation[t]) { add("same", translation[t]); ++r; ++t; }
    else if (r < reference.length && (t === translation.length || table[(r + 1) * width + t] >= table[r * width + t + 1])) add("drop", reference[r++]);
    else add("add", translation[t++]);
  }
  return parts;
}
function compared(reference, text) {
  const box = element("div"), between = /\s/.test(reference.trim()) || /\s/.test(text.trim()) ? " " : "";
  if (text === reference) { box.append(element("span", { class: "exact" }, text, " ✓")); return box; }
  if (text === "") { box.append(element("span", { class: "faint" }, "(nothing)")); return box; }
  const split = between ? value => value.split(/\s+/).filter(Boolean) : pieces;
  const wanted = split(reference), got = split(text);
  if (wanted.length * got.length > 4e6) { box.append(text); return box; } // a book, not a sentence
  differences(wanted, got).forEach((part, index) => {
    if (index > 0) box.append(between);
    const words = part.words.join(between);
    box.append(part.kind === "same" ? words : element(part.kind === "add" ? "ins" : "del", { title: part.kind === "add" ? "not in the reference" : "only in the reference" }, words));
  });
  return box;
}
// A few updates, spread over the run, with the best and the last among them.
function chosen(list, best, count) {
  if (list.length <= count) return list;
  const places = new Set([list.length - 1]);
  const at = list.findIndex(one => one.step === best);
  if (at >= 0) places.add(at);
  for (let index = 0; places.size < count && index < list.length; ++index)
    places.add(Math.round(index * (list.length - 1) / Math.max(1, count - 1)));
  return list.filter((_, index) => places.has(index));
}
function sideOf(run, sample, count) {
  const side = element("div", { class: "side" }, runs.length > 1 ? runLabel(run) : null);
  for (const one of chosen(sample.translations, run.bestStep, count))
    side.append(element("div", { class: "step" },
      element("span", { class: "faint", title: one.step === run.bestStep ? "the best checkpoint" : "" }, (one.step === run.bestStep ? "★ " : "") + whole(one.step)),
      compared(sample.reference, one.text)));
  return side;
}
const samplesShown = { all: false };
function paintSamples() {
  const list = new Map();
  for (const run of visible())
    for (const sample of run.samples) {
      const key = sample.source + "\n" + sample.reference;
      if (!list.has(key)) list.set(key, { source: sample.source, reference: sample.reference, sides: [] });
      list.get(key).sides.push(sideOf(run, sample, samplesShown.all ? Infinity : 4));
    }
  at("sample-list").replaceChildren(...[...list.values()].map(line => element("div", { class: "card sample" },
    element("dl", {}, element("dt", {}, "source"), element("dd", { class: "long" }, line.source), element("dt", {}, "reference"), element("dd", { class: "long" }, line.reference)),
    element("div", { class: "sides" }, ...line.sides))));
}
function buildSamples() {
  const section = at("samples");
  if (!runs.some(run => run.samples.length > 0)) {
    section.append(element("p", { class: "faint" }, "No translations were logged. training.samples says how many lines a validation logs."));
    return;
  }
  const more = element("button", { "aria-pressed": false, onclick: () => {
    samplesShown.all = !samplesShown.all;
    more.setAttribute("aria-pressed", samplesShown.all);
    paintSamples();
  } }, "every validation");
  section.append(element("div", { class: "bar" }, element("p", { class: "key", style: "margin:0" },
    element("span", {}, element("ins", {}, "words"), " that the reference does not have"), element("span", {}, element("del", {}, "words"), " that only the reference has"),
    element("span", {}, "★ best checkpoint")), runs.some(run => run.samples.some(sample => sample.translations.length > 4)) ? more : null),
  element("div", { id: "sample-list" }));
  paintSamples();
}
