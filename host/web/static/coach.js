// The coach's view: a card a runner.

import { BAND_SDS, Charts, METRICS } from "./charts.js";
import { clockText, elapsed, isLow, plain, recent, stage, usual } from "./model.js";
import { wordsIn } from "./words.js";

const ENGLISH = wordsIn("en");
const STRIDES_MEANT = 5;
// So many runners have charts, cues and pods unfolded at once; of more, first the state and the figures of all.
const UNFOLDED = 2;
const cards = new Map();

export function renderCoach(model, now_ms, offline) {
  document.getElementById("nobody").hidden = model.runners.size > 0;
  for (const [name, card] of cards) {
    if (!model.runners.has(name)) {
      card.root.remove();
      cards.delete(name);
    }
  }
  for (const [name, runner] of model.runners) {
    if (!cards.has(name)) cards.set(name, new Card(name));
    cards.get(name).fold(model.runners.size > UNFOLDED);
    cards.get(name).render(runner, model.norms, now_ms, offline);
  }
}

export function redrawCharts() {
  for (const card of cards.values()) card.forget();
}

class Card {
  #drawn = null; // what the charts were last drawn from
  #folded = null; // as the coach wants it; null: as there is room

  constructor(name) {
    this.root = document.getElementById("card").content.firstElementChild.cloneNode(true);
    this.root.querySelector("h2").textContent = name;
    this.root.setAttribute("aria-label", name);
    document.getElementById("cards").append(this.root);
    this.charts = new Charts(this.#find(".plot"));
    this.#find(".cues").setAttribute("aria-label", `Cue history of ${name}`);
    const fold = this.#find(".fold");
    fold.setAttribute("aria-label", `Charts, cues and pods of ${name}`);
    fold.addEventListener("click", () => {
      this.#folded = fold.ariaExpanded === "true";
      this.fold();
    });
  }

  fold(byItself) {
    const folded = this.#folded ?? byItself;
    this.#find(".fold").setAttribute("aria-expanded", !folded);
    this.#find(".charts").hidden = this.#find(".log").hidden = folded;
  }

  #find(selector) {
    return this.root.querySelector(selector);
  }

  forget() {
    this.#drawn = null;
  }

  render(runner, norms, now_ms, offline) {
    const { state, text, language, detail } = stage(runner, now_ms, offline, ENGLISH);
    this.root.dataset.state = state;
    this.#find(".banner use").setAttribute("href", `#i-${state}`);
    const words = this.#find(".banner span");
    const said = detail && state === "searching" ? `${text}: ${detail}` : text;
    words.lang = language;
    if (words.textContent !== said) words.textContent = said; // the same again would be read aloud again
    const speed = recent(runner, "speed_mps", STRIDES_MEANT);
    this.#find(".clock").textContent =
      (speed === null ? "" : `${(speed * 3.6).toFixed(1)} km/h · `) + clockText(elapsed(runner, now_ms));
    const drawn = [runner, runner.strides.at(-1), runner.cues.length, runner.pods, runner.status];
    if (this.#drawn?.every((part, i) => part === drawn[i])) return;
    this.#drawn = drawn;
    this.#figures(runner, norms, speed);
    this.#held(runner);
    this.#cues(runner);
    this.#pods(runner);
    this.charts.draw(runner, norms);
  }

  #figures(runner, norms, speed) {
    const rows = METRICS.map(({ field, title, unit, digits }) => {
      const cell = (side) => {
        const value = recent(runner, field, STRIDES_MEANT, side);
        const around = usual(norms[field], speed);
        const off = value !== null && around && Math.abs(value - around.mean) > BAND_SDS * around.sd;
        const td = element("td", value === null ? "–" : value.toFixed(digits));
        if (off) {
          td.className = "off";
          td.append(element("span", value > around.mean ? " ▲" : " ▼"));
          td.title = value > around.mean ? "above what is usual at this speed" : "below what is usual at this speed";
        }
        return td;
      };
      const head = element("th", title);
      head.scope = "row";
      head.append("\u00a0", element("small", unit)); // a unit never stands alone on a line
      return element("tr", head, cell("left"), cell("right"));
    });
    this.#find(".figures tbody").replaceChildren(...rows);
    this.#find(".usual").hidden = !Object.keys(norms).length;
    this.#find(".usual").title = `Healthy runners at this speed: mean ± ${BAND_SDS} SD`;
  }

  #held(runner) {
    const held = runner.status?.held ?? [];
    this.#find(".held").replaceChildren(...(held.length ? held : ["none"]).map((id) => element("li", plain(id))));
    this.#find(".held").classList.toggle("none", !held.length);
  }

  #cues(runner) {
    const items = runner.cues.toReversed().map((cue) => {
      const words = element("span", cue.text);
      words.lang = cue.language;
      const li = element("li", element("time", clockText(cue.t_s)), words);
      const tags = [cue.fault, cue.side, cue.context].filter(Boolean).map((tag) => tag.replaceAll("_", " "));
      li.append(element("small", (cue.kind === "praise" ? "better: " : "") + tags.join(", ")));
      li.className = cue.kind;
      return li;
    });
    if (!items.length) items.push(element("li", element("span", "No cue yet.")));
    this.#find(".cues").replaceChildren(...items);
  }

  #pods(runner) {
    const rows = runner.pods.map((pod) => {
      const sent = pod.packets + pod.lost_packets;
      const head = element("th", ENGLISH.pods[pod.role], element("small", ENGLISH.links[pod.link]));
      head.scope = "row";
      const tr = element(
        "tr",
        head,
        element("td", figure(pod.battery_percent, 0, "%")),
        element("td", sent ? figure((100 * pod.lost_packets) / sent, 1, "%") : "–"),
        element("td", figure(pod.clock_error_ms, 1, "ms")),
      );
      tr.dataset.link = pod.link;
      if (isLow(pod)) tr.children[1].className = "low";
      return tr;
    });
    this.#find(".pods tbody").replaceChildren(...rows);
  }
}

const figure = (value, digits, unit) => (value === null ? "–" : `${value.toFixed(digits)} ${unit}`);

function element(name, ...children) {
  const node = document.createElement(name);
  node.append(...children);
  return node;
}
