// The metronome with its controls: what `pace.js` decides is heard and shown.

import { audio } from "./audio.js";
import { recall, remember } from "./memory.js";
import { languageOf } from "./model.js";
import { Pace } from "./pace.js";
import { startTicks } from "./ticks.js";
import { wordsIn } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Metronome {
  #pace = new Pace(recall("pace"));
  #ticks = null; // while it sounds
  #runner = null;
  #offline = false;

  constructor({ onStart }) {
    $("metronome").addEventListener("click", () => {
      audio(); // the browser allows it now: it was asked for with a tap
      this.#pace.toggle(this.#runner);
      if (this.wanted) onStart();
      this.update(this.#runner, this.#offline);
    });
    for (const [id, direction] of [["slower", -1], ["faster", 1]])
      $(id).addEventListener("click", () => {
        this.#pace.change(direction);
        this.update(this.#runner, this.#offline);
      });
  }

  get wanted() {
    return this.#pace.wanted;
  }

  // With every message, not with every frame: a page in a pocket has none.
  update(runner, offline) {
    [this.#runner, this.#offline] = [runner, offline];
    const before = this.#pace.run;
    this.#pace.update(runner);
    if (this.#pace.run !== before) remember("pace", this.#pace.run);
    this.#sound(this.#pace.ticking && !offline);
    this.#render();
  }

  #sound(sounds) {
    if (!sounds) this.#ticks?.stop();
    else if (this.#ticks) this.#ticks.setRate(this.#pace.spm);
    else this.#ticks = startTicks(audio(), this.#pace.spm);
    if (!sounds) this.#ticks = null;
  }

  #render() {
    const { wanted, ticking, spm, rise_percent } = this.#pace;
    const { counting, whenYouRun } = wordsIn(languageOf(this.#runner));
    $("metronome").setAttribute("aria-pressed", wanted);
    // Slow steps are what it helps against: then it is offered, never started.
    const slow = this.#runner?.status?.held.includes("low_cadence");
    $("metronome").classList.toggle("offered", Boolean(slow) && !wanted);
    $("metronome").classList.toggle("known", wanted && spm !== null); // then the rate says it all
    $("slower").hidden = $("faster").hidden = !wanted || spm === null;
    const rate = spm === null ? counting : `${spm} spm, +${rise_percent.toFixed(0)} %`;
    const text = !wanted ? "" : spm === null || ticking ? rate : `${rate}, ${whenYouRun}`;
    if ($("pace").textContent !== text) $("pace").textContent = text;
  }
}
