// Joins the connection, the model, the three views, the voice and the metronome. What happens is rendered once a frame
// at most.

import { redrawCharts, renderCoach } from "./coach.js";
import { connect } from "./link.js";
import { Metronome } from "./metronome.js";
import { Model, languageOf } from "./model.js";
import { fit, renderRunner } from "./runner.js";
import { showSessions } from "./sessions.js";
import { VoiceControl } from "./voicecontrol.js";
import { label, wordsIn } from "./words.js";

// A short break of the connection is told in the bar only; the runner's one state changes after this long.
const OFFLINE_MS = 3_000;
const WIDE = matchMedia("(min-width: 900px)");

const $ = (id) => document.getElementById(id);
const model = new Model();
const voice = new VoiceControl({ onStart: keepAwake });
const metronome = new Metronome({ onStart: keepAwake });
let lost_ms = null; // since when there is no connection
let picked = "";
let own = null; // the words of the runner who is shown, and before there is one those of the browser
let asked = false;

function view() {
  const wanted = location.hash.slice(1).split("/")[0];
  return ["runner", "coach", "sessions"].includes(wanted) ? wanted : WIDE.matches ? "coach" : "runner";
}

// The address remembers: #runner/Ana is the page for Ana's phone.
function wantedRunner() {
  const [, name] = location.hash.slice(1).split("/");
  return name ? decodeURIComponent(name) : "";
}

const isOffline = () => lost_ms !== null && performance.now() - lost_ms > OFFLINE_MS;

function render() {
  asked = false;
  const now_ms = model.now();
  renderPicker();
  speak();
  if (view() === "coach") renderCoach(model, now_ms, isOffline());
  else if (view() === "runner") renderRunner(model.runners.get(picked), now_ms, isOffline(), own);
}

function speak() {
  const runner = model.runners.get(picked);
  const words = wordsIn(runner ? languageOf(runner) : navigator.language);
  if (words.language === own?.language) return;
  own = words;
  label(own);
  if (view() === "sessions") showSessions(own);
}

function ask() {
  if (!asked) requestAnimationFrame(render);
  asked = true;
}

function renderPicker() {
  const names = [...model.runners.keys()];
  const options = [...$("picker").options].map((option) => option.value);
  if (names.join("\n") !== options.join("\n"))
    $("picker").replaceChildren(...names.map((name) => new Option(name, name)));
  $("picker-label").hidden = names.length < 2;
  pick();
  $("picker").value = picked;
}

function pick() {
  const names = [...model.runners.keys()];
  if (names.includes(wantedRunner())) picked = wantedRunner();
  else if (!names.includes(picked)) picked = names[0] ?? "";
}

function showView() {
  document.body.dataset.view = view();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.for === view()) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  render();
  fit();
  if (view() === "sessions") showSessions(own);
}

connect({
  onMessage(message) {
    const news = model.take(message);
    pick();
    for (const one of news) if (one.runner === picked) voice.say(one);
    hear();
    if (message.kind === "session" && view() === "sessions") showSessions(own);
    ask();
  },
  onOpen() {
    lost_ms = null;
    $("connection").hidden = true;
  },
  onLost() {
    lost_ms ??= performance.now();
    $("connection").hidden = false;
    ask();
  },
});

// What sounds follows the runner at once, not with the next frame: a page in a pocket has none.
function hear() {
  const runner = model.runners.get(picked);
  voice.speak(runner ? languageOf(runner) : (own?.language ?? "en"));
  metronome.update(runner, isOffline());
}

// The screen must not sleep while it is read. Only secure contexts may ask for it.
async function keepAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // Refused, as with a low battery: the voice still speaks while the page is open.
  }
}
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && (voice.on || metronome.wanted)) keepAwake();
  ask();
});

$("picker").addEventListener("change", (event) => {
  location.hash = `runner/${encodeURIComponent(event.target.value)}`;
});
addEventListener("hashchange", showView);
WIDE.addEventListener("change", showView);
new ResizeObserver(fit).observe(document.querySelector(".stage"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  redrawCharts();
  ask();
});
// Clocks run, what was shown long enough goes, and a metronome without connection falls silent.
setInterval(() => {
  hear();
  ask();
}, 250);
showView();
