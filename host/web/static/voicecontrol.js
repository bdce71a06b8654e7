// The button that turns the voice on, and the choice among several voices.

import { Voice } from "./voice.js";
import { wordsIn } from "./words.js";

const $ = (id) => document.getElementById(id);

export class VoiceControl {
  #voice = new Voice({ onVoices: () => this.#render() });
  #language = "en";

  constructor({ onStart }) {
    const turn = (on) => {
      if (on) this.#voice.turnOn(this.#language);
      else this.#voice.turnOff();
      if (on) onStart();
      this.#render();
    };
    $("voice").addEventListener("click", () => turn(!this.on));
    $("voices").addEventListener("change", (event) => {
      this.#voice.choose(this.#language, event.target.value);
      turn(true); // to hear it
    });
    // Who had the voice on last time gets it back with the first tap or key: the browser wants to see one.
    for (const gesture of ["click", "keydown"])
      addEventListener(gesture, (event) => {
        if (this.#voice.wanted && !this.on && !event.target.closest?.("#voice")) turn(true);
      });
    this.#render();
  }

  get on() {
    return this.#voice.on;
  }

  say({ text, kind, language }) {
    this.#voice.say(text, kind, language);
  }

  speak(language) {
    if (language === this.#language) return;
    this.#language = language;
    this.#render();
  }

  #render() {
    const { on, wanted } = this.#voice;
    const voices = this.#voice.voices(this.#language);
    $("voice").setAttribute("aria-pressed", on);
    const { voiceOff, voiceOn, tonesOn } = wordsIn(this.#language);
    $("voice-text").textContent = !on ? voiceOff : voices.length ? voiceOn : tonesOn;
    $("voice-asks").hidden = on || !wanted;
    $("voices-label").hidden = !on || voices.length < 2;
    $("voices").replaceChildren(...voices.map(({ name }) => new Option(name, name)));
    $("voices").value = this.#voice.voice(this.#language)?.name ?? "";
  }
}
