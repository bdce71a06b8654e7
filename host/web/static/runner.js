// The runner's view: one glance, one state, in the runner's language.

import { clockText, elapsed, recent, stage } from "./model.js";

const $ = (id) => document.getElementById(id);

export function renderRunner(runner, now_ms, offline, own) {
  const view = $("view-runner");
  const { state, text, language, detail, side } = stage(runner, now_ms, offline, own);
  const words = $("words");
  if (view.dataset.state !== state || view.dataset.side !== side) {
    view.dataset.state = state;
    view.dataset.side = side;
    view.querySelector(".emblem use").setAttribute("href", `#i-${state}`);
  }
  setText($("detail"), detail);
  // To a screen reader only a cue is worth interrupting for.
  words.setAttribute("aria-live", state === "cue" ? "assertive" : "polite");
  words.lang = language;
  if (setText(words, text)) fit();
  const last = runner?.cues.at(-1);
  const [when, what] = $("earlier").children;
  $("earlier").hidden = !last || ["cue", "praise", "reminder"].includes(state);
  setText(when, last ? clockText(last.t_s) : "");
  setText(what, last?.text ?? "");
  what.lang = last?.language ?? "";
  const cadence = runner && recent(runner, "cadence_spm", 4);
  const speed = runner && recent(runner, "speed_mps", 4);
  setText($("stat-time"), clockText(elapsed(runner, now_ms)));
  setText($("stat-cadence"), cadence === null || cadence === undefined ? "–" : cadence.toFixed(0));
  setText($("stat-speed"), speed === null || speed === undefined ? "–" : (speed * 3.6).toFixed(1).replace(".", own.decimal));
}

// The largest type at which the words fill their box and none is broken.
export function fit() {
  const box = $("fit");
  const words = $("words");
  box.classList.add("fitting"); // gives the box the height it may have
  let [low, high] = [24, Math.min(220, box.clientHeight * 0.55)];
  for (let i = 0; i < 10; i++) {
    const size = (low + high) / 2;
    words.style.fontSize = `${size}px`;
    const fits = words.scrollHeight <= box.clientHeight && words.scrollWidth <= box.clientWidth;
    if (fits) low = size;
    else high = size;
  }
  words.style.fontSize = `${low}px`;
  box.classList.remove("fitting"); // and takes it back to what the words need
}

function setText(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}
