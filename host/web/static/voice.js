// Speaks, once the person has asked for it with a tap (browsers want one). Where nobody speaks the language: tones.
// What was asked for is remembered, and so is which voice, for each language.

import { audio } from "./audio.js";
import { recall, remember } from "./memory.js";
import { base, wordsIn } from "./words.js";

export class Voice {
  on = false;
  wanted = recall("voice") === true; // on, as soon as the browser lets us

  constructor({ onVoices }) {
    // Some browsers list their voices only some time after the first question.
    window.speechSynthesis?.getVoices();
    window.speechSynthesis?.addEventListener?.("voiceschanged", onVoices);
  }

  turnOn(language) {
    this.on = this.wanted = true;
    remember("voice", true);
    audio();
    this.say(wordsIn(language).voiceOn, "prompt", language);
  }

  turnOff() {
    this.on = this.wanted = false;
    remember("voice", false);
    window.speechSynthesis?.cancel();
  }

  // Those that speak the language, the best first: what speaks without the network also speaks in the woods.
  voices(language) {
    const all = window.speechSynthesis?.getVoices() ?? [];
    const rank = (voice) => 2 * !voice.localService + !voice.default;
    return all.filter((voice) => base(voice.lang) === base(language)).sort((a, b) => rank(a) - rank(b));
  }

  // The one that speaks; undefined when nobody does.
  voice(language) {
    const voices = this.voices(language);
    const chosen = recall(`voice.${base(language)}`);
    return voices.find((voice) => voice.name === chosen) ?? voices[0];
  }

  choose(language, name) {
    remember(`voice.${base(language)}`, name);
  }

  // kind: "cue", "praise" or "prompt"; without a voice each has its own tones.
  say(text, kind, language) {
    if (!this.on) return;
    const voice = this.voice(language);
    if (!voice) return tones(kind);
    const speech = window.speechSynthesis;
    if (speech.speaking || speech.pending) speech.cancel(); // one thing at a time, and the newest
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.lang = language;
    utterance.voice = voice;
    utterance.onerror = (event) => {
      if (event.error !== "canceled" && event.error !== "interrupted") tones(kind);
    };
    speech.speak(utterance);
  }
}

function tones(kind) {
  const notes_hz = { cue: [660, 660], praise: [523, 659, 784], prompt: [440] }[kind];
  const context = audio();
  notes_hz.forEach((hz, i) => {
    const start = context.currentTime + 0.19 * i;
    const tone = new OscillatorNode(context, { frequency: hz });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.35, start + 0.015);
    gain.gain.exponentialRampToValueAtTime(0.001, start + 0.17);
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.18);
  });
}
