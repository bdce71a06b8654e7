// The list of sessions: what was run, newest first, of everybody or of one runner.

import { base, count, filled } from "./words.js";

const list = document.getElementById("session-list");
const note = document.getElementById("session-note");
const whose = document.getElementById("whose");

let rows = null; // none read yet
let words = null;
let when = null;
let asked = 0;

// `own`: the page's words.
export async function showSessions(own) {
  words = own;
  const locale = base(navigator.language) === own.language ? undefined : own.language; // with the region, where known
  when = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const question = ++asked;
  if (rows) render();
  else tell(words.readingSessions);
  try {
    const answer = await fetch("sessions.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const read = await answer.json();
    if (question !== asked) return; // a newer answer is here, or on its way
    rows = read;
    tell(rows.length ? "" : words.noSessions);
  } catch {
    tell(words.sessionsUnreadable);
  }
  render();
}

function tell(text) {
  note.textContent = text;
  note.hidden = !text;
}

function render() {
  const known = rows ?? [];
  const names = [...new Set(known.map((row) => row.runner))].sort();
  const wanted = names.includes(whose.value) ? whose.value : "";
  whose.replaceChildren(new Option(words.allRunners, ""), ...names.map((name) => new Option(name, name)));
  whose.value = wanted;
  whose.parentElement.hidden = names.length < 2;
  list.replaceChildren(...known.filter((row) => !wanted || row.runner === wanted).map(item));
}
whose.addEventListener("change", render);

function item(row) {
  const started = when.format(Date.parse(row.started_utc));
  const facts = [row.runner, long(row.duration_s), count(words.strides, row.strides), count(words.cues, row.cues)];
  const scores = Object.entries(row.pain).map(([moment, score]) => `${words.moments[moment]} ${score}`);
  if (scores.length) facts.push(filled(words.pain, { scores: scores.join(", ") }));
  const parts = [
    element("p", "when", started),
    element("p", "state", row.running ? words.runningNow : row.cut ? words.cutShort : source(row.source)),
    element("p", "facts", facts.map((fact) => element("span", "", fact))),
  ];
  // While it runs, or where it was cut short, nobody has summed up what held.
  if (row.seen) parts.push(element("p", "seen", seen(row)));
  if (!row.running) parts.push(report(row.session, filled(words.reportOf, { when: started, runner: row.runner })));
  return element("li", "", parts);
}

function seen(row) {
  if (!row.judged) return words.notMeasured; // to say that no pattern held would reassure for no reason
  return row.seen.map((fault) => words.faults[fault] ?? fault).join(", ") || words.noPattern;
}

// "pods", "demo", or "replay:FILE"
function source(text) {
  const [kind, file] = text.split(/:(.*)/s);
  return filled(words.sources[kind] ?? text, { file });
}

function report(session, name) {
  const link = element("a", "report", words.report);
  link.href = `report/${encodeURIComponent(session)}`;
  link.ariaLabel = name;
  return link;
}

function long(seconds) {
  const minutes = Math.round(seconds / 60);
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function element(name, kind, content) {
  const node = document.createElement(name);
  node.className = kind;
  node.append(...[content].flat());
  return node;
}
