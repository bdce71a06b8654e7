// The list of sessions: what was run, newest first.

import { clockText } from "./model.js";

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const list = document.getElementById("session-list");
const note = document.getElementById("session-note");
let asked = 0;

export async function showSessions() {
  const question = ++asked;
  try {
    const answer = await fetch("sessions.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const rows = await answer.json();
    if (question !== asked) return; // a newer answer is here, or on its way
    list.replaceChildren(...rows.map(item));
    note.textContent = rows.length ? "" : "No session yet. The first run, or hamstream demo, makes one.";
  } catch {
    note.textContent = "The sessions cannot be read now. Is hamstream still running?";
  }
  note.hidden = !note.textContent;
}

function item(row) {
  const when = WHEN.format(Date.parse(row.started_utc));
  const state = row.running ? "running now" : row.cut ? "cut short" : row.source;
  const facts = [row.runner, `${clockText(row.duration_s)} min`, count(row.strides, "stride"), count(row.cues, "cue")];
  return element("li", "", [
    element("p", "when", row.running ? when : link(`report/${encodeURIComponent(row.session)}`, when)),
    element("p", "state", state),
    element("p", "facts", facts.map((fact) => element("span", "", fact))),
    element("p", "seen", row.seen.join(", ") || "no pattern held"),
  ]);
}

const count = (n, what) => `${n.toLocaleString()} ${what}${n === 1 ? "" : "s"}`;

function link(href, text) {
  const node = element("a", "", text);
  node.href = href;
  return node;
}

function element(name, kind, content) {
  const node = document.createElement(name);
  node.className = kind;
  node.append(...[content].flat());
  return node;
}
