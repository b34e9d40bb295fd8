"use strict";
// The answers of one session: what was said of each disc and how long it was looked at. Knows nothing of the page.
class Answers {
  // study: {id, reader, session, assisted, cases: [{code, discs: [{level}]}]}; store: like localStorage, or null.
  constructor(study, store) {
    this.study = study;
    this.store = store;
    this.key = ["modicgrader-reader-study", study.id, study.reader, study.session].join(" ");
    this.items = [];
    study.cases.forEach((one, number) => one.discs.forEach(disc => this.items.push({number: number, case: one, disc: disc})));
    this.at = 0;
    this.given = {};    // by "case level": {modic, seconds}; modic is null before an answer, "" where none is possible
    this.since = null;  // when the disc came before the reader, in ms; null while nothing is shown
    this.restore();
  }
  get item() { return this.items[this.at]; }
  get answer() { return this.of(this.item); }
  get count() { return this.items.filter(item => this.of(item).modic !== null).length; }
  of(item) {
    const name = item.case.code + " " + item.disc.level;
    if (!this.given[name]) this.given[name] = {modic: null, seconds: 0};
    return this.given[name];
  }
  // Time passes only between show and hide.
  show(now) { this.since = now; }
  tick(now) {
    if (this.since === null) return;
    this.answer.seconds += Math.max(0, now - this.since) / 1000;
    this.since = now;
  }
  hide(now) { this.tick(now); this.since = null; this.keep(); }
  give(modic, now) { this.tick(now); this.answer.modic = modic; this.keep(); }
  move(step, now) {
    this.tick(now);
    this.at = Math.min(Math.max(this.at + step, 0), this.items.length - 1);
    this.keep();
  }
  csv() {
    const lines = ["reader,session,assisted,case,level,modic,seconds"];
    this.items.forEach(item => {
      const said = this.of(item);
      if (said.modic !== null) lines.push([this.study.reader, this.study.session, this.study.assisted ? 1 : 0,
        item.case.code, item.disc.level, said.modic, said.seconds.toFixed(1)].join(","));
    });
    return lines.join("\n") + "\n";
  }
  // A browser may refuse to keep anything for a page opened from a file; the page says so then.
  keep() {
    try { this.store.setItem(this.key, JSON.stringify({at: this.at, given: this.given})); this.kept = true; }
    catch (error) { this.kept = false; }
  }
  restore() {
    try {
      const before = JSON.parse(this.store.getItem(this.key));
      if (before && before.given && before.at < this.items.length) { this.at = before.at; this.given = before.given; }
    } catch (error) { /* Nothing was kept, or it is damaged: begin anew. */ }
    this.keep();
  }
}

// The page: shows the disc that is to be read, and hears keys and buttons.
function openSession(document, window, study, store) {
  const answers = new Answers(study, store);
  const part = name => document.getElementById(name);
  const now = () => window.performance.now();
  const grades = ["0", "I", "II", "III", "I/II", "II/III", ""];
  let slice = 0, marked = true, begun = false, tabbed = false;

  function draw() {
    const item = answers.item, disc = item.disc, pictures = disc.slices[slice];
    part("where").textContent = "Case " + (item.number + 1) + " of " + study.cases.length + ", " + disc.level;
    part("done").textContent = answers.count + " of " + answers.items.length + " discs read";
    part("slice").textContent = "Slice " + (slice + 1) + " of " + disc.slices.length + ", right to left";
    pictures.forEach((one, number) => {
      part("picture" + number).src = marked && one.marked ? one.marked : one.plain;
      part("contrast" + number).textContent = one.contrast;
      part("overview" + number).src = item.case.overview[number].plain;
      const label = item.case.overview[number].labels.find(one => one.level === disc.level);
      part("arrow" + number).style.left = 100 * label.x + "%";
      part("arrow" + number).style.top = 100 * label.y + "%";
    });
    part("machine").textContent = disc.machine ? disc.machine.join("\n") : "";
    grades.forEach((grade, number) =>
      part("grade" + number).setAttribute("aria-pressed", String(answers.answer.modic === grade)));
    part("unkept").hidden = answers.kept;
  }
  function turn(step) { slice = Math.min(Math.max(slice + step, 0), answers.item.disc.slices.length - 1); draw(); }
  function middle() { slice = Math.floor((answers.item.disc.slices.length - 1) / 2); draw(); }
  function go(step) { answers.move(step, now()); middle(); }
  function give(grade) { answers.give(grade, now()); draw(); }
  function mark() { marked = !marked; draw(); }
  function save() {
    answers.tick(now());
    const link = document.createElement("a");
    link.href = window.URL.createObjectURL(new window.Blob([answers.csv()], {type: "text/csv"}));
    link.download = "readings-" + study.reader + "-" + study.session + ".csv";
    link.click();
  }
  function begin() {
    begun = true;
    part("before").hidden = true;
    part("reading").hidden = false;
    answers.show(now());
    middle();
  }

  const keys = {ArrowLeft: () => turn(-1), ArrowRight: () => turn(1), ArrowUp: () => go(-1), ArrowDown: () => go(1),
    Enter: () => go(1), m: mark, x: () => give("")};
  grades.slice(0, 6).forEach((grade, number) => { keys[String(number)] = () => give(grade); });
  document.addEventListener("keydown", event => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "Tab") tabbed = true;
    if (!begun || event.ctrlKey || event.metaKey || event.altKey || !keys[key]) return;
    // Whoever went to a button with Tab presses it with Enter; whoever clicked on one goes on with it.
    if (key === "Enter" && tabbed && event.target && event.target.tagName === "BUTTON") return;
    event.preventDefault();
    keys[key]();
  });
  document.addEventListener("pointerdown", () => { tabbed = false; });
  document.addEventListener("visibilitychange", () => {
    if (begun) { document.hidden ? answers.hide(now()) : answers.show(now()); }
  });
  window.addEventListener("pagehide", () => answers.hide(now()));
  grades.forEach((grade, number) => { part("grade" + number).onclick = () => give(grade); });
  part("begin").onclick = begin;
  part("previous").onclick = () => go(-1);
  part("next").onclick = () => go(1);
  part("left").onclick = () => turn(-1);
  part("right").onclick = () => turn(1);
  part("mark").onclick = mark;
  part("save").onclick = save;
  return answers;
}
