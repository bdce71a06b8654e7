// What is known of every runner, from the messages of the server; and what one glance should tell.
// No page, no sound in here: `take` says what is worth announcing, `stage` what is worth showing.

import { filled } from "./words.js";

export const CUE_SHOWN_MS = 10_000;
export const PRAISE_SHOWN_MS = 6_000;
export const CHART_SPAN_S = 90;
const CUES_KEPT = 50;
// After this long without a good stride "all is well" would be a guess.
const GOOD_STRIDE_MS = 5_000;
// Below this a pod should be charged before a run. Chosen.
const LOW_BATTERY_PERCENT = 15;

// "tilt_flattened" -> "Tilt flattened"
export function plain(id) {
  const text = String(id).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export class Model {
  runners = new Map();
  norms = {};
  #offset_ms = 0; // the server's clock minus this page's, which no setting of the device's clock moves
  #announced = new Set();
  #prompts = new Map(); // runner -> the prompt last announced

  // UTC of the server in ms. A message that was long under way would set it back: the largest difference is the truest.
  now() {
    return performance.now() + this.#offset_ms;
  }

  // Takes one message; returns what to announce: [{runner, kind: "cue" | "praise" | "prompt", text, language}].
  take(message) {
    const offset = message.at_ms - performance.now();
    if (message.kind === "snapshot") {
      this.#offset_ms = offset;
      this.norms = message.norms;
      const before = this.runners;
      this.runners = new Map();
      const news = message.messages.flatMap((m) => this.#takeOne(m));
      // A cue that is on the screen stays there while the connection comes and goes.
      for (const [name, runner] of this.runners) runner.shown ??= before.get(name)?.shown ?? null;
      return news;
    }
    this.#offset_ms = Math.max(this.#offset_ms, offset);
    return this.#takeOne(message);
  }

  #takeOne({ runner: name, kind, payload, at_ms }) {
    let runner = this.runners.get(name);
    if (!runner || (kind === "session" && payload.session !== runner.session?.session)) {
      runner = { name, session: null, status: null, pods: [], strides: [], cues: [], shown: null, good_ms: 0 };
      this.runners.set(name, runner);
    }
    if (kind === "session") runner.session = payload;
    else if (kind === "pods") runner.pods = payload.pods;
    else if (kind === "stride") takeStride(runner, payload, at_ms);
    else if (kind === "cue") return this.#takeCue(runner, payload);
    else if (kind === "status") return this.#takeStatus(runner, payload);
    return [];
  }

  #takeCue(runner, cue) {
    runner.cues.push(cue);
    if (runner.cues.length > CUES_KEPT) runner.cues.shift();
    // Worth saying within a second of the stride that decided it, or not at all.
    if (this.now() > Date.parse(cue.valid_until) || this.#announced.has(cue.cue_id)) return [];
    this.#announced.add(cue.cue_id);
    const praise = cue.kind === "praise";
    runner.shown = { ...cue, until_ms: this.now() + (praise ? PRAISE_SHOWN_MS : CUE_SHOWN_MS) };
    return [{ runner: runner.name, kind: praise ? "praise" : "cue", text: cue.text, language: cue.language }];
  }

  #takeStatus(runner, status) {
    runner.status = status;
    const prompt = status.prompt ?? "";
    if (prompt === (this.#prompts.get(runner.name) ?? "")) return [];
    this.#prompts.set(runner.name, prompt);
    return prompt ? [{ runner: runner.name, kind: "prompt", text: prompt, language: languageOf(runner) }] : [];
  }
}

// The language of cues, prompts and the page's own words.
export const languageOf = (runner) => runner?.status?.language ?? "en";

function takeStride(runner, stride, at_ms) {
  runner.strides.push(stride);
  const oldest = stride.decided_s - CHART_SPAN_S;
  while (runner.strides[0].next_ic_s < oldest) runner.strides.shift();
  if (!stride.quality) runner.good_ms = at_ms;
}

export const isLow = (pod) => pod.battery_percent !== null && pod.battery_percent < LOW_BATTERY_PERCENT;

// The one thing to show, in `words`: {state, text, language, detail, side}.
export function stage(runner, now_ms, offline, words) {
  return { language: words.language, detail: "", side: "", ...stageOf(runner, now_ms, offline, words) };
}

function stageOf(runner, now_ms, offline, words) {
  if (offline) return { state: "offline", text: words.offline, detail: words.again };
  if (!runner) return { state: "idle", text: words.waiting, detail: words.noSession };
  const { status, shown } = runner;
  const phase = status?.phase ?? "waiting";
  const prompt = status?.prompt && { text: status.prompt, language: languageOf(runner) };
  const said = ({ text, language, side }) => ({ text, language, side, detail: words.sides[side] ?? "" });
  if (runner.session?.event === "ended") return { state: "ended", text: words.ended, detail: words.wellRun };
  if (shown && now_ms < shown.until_ms) return { state: shown.kind === "praise" ? "praise" : "cue", ...said(shown) };
  const pods = (...links) => runner.pods.filter((pod) => links.includes(pod.link)).map((pod) => words.pods[pod.role]);
  const weak = (of) => {
    const low = of.filter(isLow).map((pod) => `${words.pods[pod.role]} ${pod.battery_percent.toFixed(0)} %`);
    return low.length ? filled(words.lowBattery, { pods: low.join(", ") }) : "";
  };
  const lost = pods("lost");
  if (lost.length) {
    const why = weak(runner.pods.filter((pod) => pod.link === "lost"));
    const detail = lost.length > 1 ? filled(words.noData, { pods: lost.join(", ") }) : why;
    return { state: "lost", text: filled(words.lost, { pod: lost[0] }), ...prompt, detail };
  }
  const running = phase === "running" || phase === "walking";
  const missing = pods("searching", "connecting");
  const unsure = now_ms - runner.good_ms > GOOD_STRIDE_MS;
  // A prompt to someone who runs: a pod is away, or nothing can be judged before they have stood still.
  if (prompt && running) return { state: unsure && !missing.length ? "stand" : "lost", ...prompt };
  if (missing.length && !running) return { state: "searching", text: words.searching, detail: missing.join(", ") };
  if (phase === "ready") return { state: "ready", text: words.ready, ...prompt, detail: weak(runner.pods) };
  if (phase === "standing") return { state: "stand", text: words.stand, ...prompt, detail: words.measuringStand };
  if (phase === "waiting") return { state: "stand", text: words.stand, ...prompt, detail: weak(runner.pods) };
  if (phase === "walking") return { state: "walking", text: words.walking };
  const last = runner.cues.at(-1); // also where it was said before this page was opened
  if (last?.kind === "cue" && status.held.includes(last.fault)) return { state: "reminder", ...said(last) };
  if (unsure) return { state: "measuring", text: words.measuring };
  // A pattern that holds but is not to be spoken of: no praise for it either.
  return { state: "calm", text: status.held.length ? words.keepGoing : words.calm };
}

// Seconds since the session's start: of the run itself in a replay, which may go faster than the clock.
export function elapsed(runner, now_ms) {
  const { session, strides } = runner ?? {};
  if (!session) return null;
  if (session.source.startsWith("replay:")) return strides.at(-1)?.decided_s ?? null;
  const end_ms = session.event === "ended" && session.ended_utc ? Date.parse(session.ended_utc) : now_ms;
  return Math.max(0, (end_ms - Date.parse(session.started_utc)) / 1000);
}

export function clockText(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const s = Math.floor(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600);
  return `${h ? `${h}:` : ""}${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

// Mean of `field` over the last `n` strides where it is known, of one leg or of both; null when there is none.
export function recent(runner, field, n, side = null) {
  const values = [];
  for (let i = runner.strides.length - 1; i >= 0 && values.length < n; i--) {
    const stride = runner.strides[i];
    if ((side === null || stride.side === side) && stride[field] !== null) values.push(stride[field]);
  }
  return values.length ? values.reduce((a, b) => a + b) / values.length : null;
}

// What is usual at this speed, linear between the rows [speed, mean, sd]: {mean, sd}, or null outside them.
export function usual(rows, speed) {
  if (!rows?.length || speed === null || speed < rows[0][0] || speed > rows.at(-1)[0]) return null;
  const i = Math.max(1, rows.findIndex((row) => row[0] >= speed));
  const [a, b] = [rows[i - 1], rows[i] ?? rows[i - 1]];
  const share = b[0] > a[0] ? (speed - a[0]) / (b[0] - a[0]) : 0;
  return { mean: a[1] + share * (b[1] - a[1]), sd: a[2] + share * (b[2] - a[2]) };
}
