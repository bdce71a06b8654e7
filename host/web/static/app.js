// Joins the connection, the model, the two views and the voice. What happens is rendered once a frame at most.

import { redrawCharts, renderCoach } from "./coach.js";
import { connect } from "./link.js";
import { Model } from "./model.js";
import { fit, renderRunner } from "./runner.js";
import { Voice } from "./voice.js";

// A short break of the connection is told in the bar only; the runner's one state changes after this long.
const OFFLINE_MS = 3_000;
const WIDE = matchMedia("(min-width: 900px)");

const $ = (id) => document.getElementById(id);
const model = new Model();
const voice = new Voice();
let lost_ms = null; // since when there is no connection
let picked = "";
let asked = false;

function view() {
  const wanted = location.hash.slice(1).split("/")[0];
  return ["runner", "coach"].includes(wanted) ? wanted : WIDE.matches ? "coach" : "runner";
}

// The address remembers: #runner/Ana is the page for Ana's phone.
function wantedRunner() {
  const [, name] = location.hash.slice(1).split("/");
  return name ? decodeURIComponent(name) : "";
}

function render() {
  asked = false;
  const now_ms = model.now();
  const offline = lost_ms !== null && performance.now() - lost_ms > OFFLINE_MS;
  renderPicker();
  if (view() === "coach") renderCoach(model, now_ms, offline);
  else renderRunner(model.runners.get(picked), now_ms, offline);
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
}

connect({
  onMessage(message) {
    const news = model.take(message);
    pick();
    // At once, not with the next frame: a page in a pocket has none.
    for (const { runner, kind, text } of news) if (runner === picked) voice.say(text, kind);
    ask();
  },
  onOpen() {
    lost_ms = null;
    $("connection").hidden = true;
  },
  onLost() {
    lost_ms ??= performance.now();
    $("connection").hidden = false;
    $("connection").textContent = "Connection to hamstream lost. Trying again…";
    ask();
  },
});

$("sound").addEventListener("click", () => {
  if (voice.on) voice.turnOff();
  else voice.turnOn();
  $("sound").setAttribute("aria-pressed", voice.on);
  $("sound-text").textContent = voice.on ? (voice.hasVoice ? "Sound on" : "Tones on") : "Sound off";
  if (voice.on) keepAwake();
});

// The screen must not sleep while it is read. Only secure contexts may ask for it.
async function keepAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // Refused, as with a low battery: the voice still speaks while the page is open.
  }
}
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && voice.on) keepAwake();
  ask();
});

$("picker").addEventListener("change", (event) => {
  location.hash = `runner/${encodeURIComponent(event.target.value)}`;
});
addEventListener("hashchange", showView);
WIDE.addEventListener("change", showView);
addEventListener("resize", fit);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  redrawCharts();
  ask();
});
setInterval(ask, 250); // clocks run, and what was shown long enough goes
showView();
