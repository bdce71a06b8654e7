// The list of sessions: what was run, newest first, of everybody or of one runner.

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const list = document.getElementById("session-list");
const note = document.getElementById("session-note");
const whose = document.getElementById("whose");

let rows = [];
let asked = 0;

export async function showSessions() {
  const question = ++asked;
  try {
    const answer = await fetch("sessions.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const read = await answer.json();
    if (question !== asked) return; // a newer answer is here, or on its way
    rows = read;
    note.textContent = rows.length ? "" : "No session yet. The first run, or hamstream demo, makes one.";
  } catch {
    note.textContent = "The sessions cannot be read now. Is hamstream still running?";
  }
  note.hidden = !note.textContent;
  render();
}

function render() {
  const names = [...new Set(rows.map((row) => row.runner))].sort();
  const wanted = names.includes(whose.value) ? whose.value : "";
  whose.replaceChildren(new Option("All runners", ""), ...names.map((name) => new Option(name, name)));
  whose.value = wanted;
  whose.parentElement.hidden = names.length < 2;
  list.replaceChildren(...rows.filter((row) => !wanted || row.runner === wanted).map(item));
}
whose.addEventListener("change", render);

function item(row) {
  const when = WHEN.format(Date.parse(row.started_utc));
  const facts = [row.runner, long(row.duration_s), count(row.strides, "stride"), count(row.cues, "cue")];
  const parts = [
    element("p", "when", when),
    element("p", "state", row.running ? "running now" : row.cut ? "cut short" : row.source),
    element("p", "facts", facts.map((fact) => element("span", "", fact))),
  ];
  // While it runs, or where it was cut short, nobody has summed up what held.
  if (row.seen) parts.push(element("p", "seen", row.seen.join(", ") || "no pattern held"));
  if (!row.running) parts.push(report(row.session, `Report of ${when}, ${row.runner}`));
  return element("li", "", parts);
}

function report(session, name) {
  const link = element("a", "report", "Report");
  link.href = `report/${encodeURIComponent(session)}`;
  link.ariaLabel = name;
  return link;
}

function long(seconds) {
  const minutes = Math.round(seconds / 60);
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const count = (n, what) => `${n.toLocaleString()} ${what}${n === 1 ? "" : "s"}`;

function element(name, kind, content) {
  const node = document.createElement(name);
  node.className = kind;
  node.append(...[content].flat());
  return node;
}
