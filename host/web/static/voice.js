// Speaks, once the person has turned sound on with a tap (browsers ask for one). Where there is no voice: tones.

export class Voice {
  on = false;
  #audio = null;

  constructor() {
    // Some browsers list their voices only some time after the first question.
    window.speechSynthesis?.getVoices();
  }

  turnOn() {
    this.on = true;
    this.#audio ??= new (window.AudioContext ?? window.webkitAudioContext)();
    this.#audio.resume();
    this.say("Sound on", "prompt");
  }

  turnOff() {
    this.on = false;
    window.speechSynthesis?.cancel();
  }

  get hasVoice() {
    return Boolean(window.speechSynthesis?.getVoices().length);
  }

  // kind: "cue", "praise" or "prompt"; without a voice each has its own tones.
  say(text, kind) {
    if (!this.on) return;
    if (!this.hasVoice) return this.#tones(kind);
    const speech = window.speechSynthesis;
    if (speech.speaking || speech.pending) speech.cancel(); // one thing at a time, and the newest
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.onerror = (event) => {
      if (event.error !== "canceled" && event.error !== "interrupted") this.#tones(kind);
    };
    speech.speak(utterance);
  }

  #tones(kind) {
    const notes_hz = { cue: [660, 660], praise: [523, 659, 784], prompt: [440] }[kind];
    notes_hz.forEach((hz, i) => {
      const start = this.#audio.currentTime + 0.19 * i;
      const tone = new OscillatorNode(this.#audio, { frequency: hz });
      const gain = new GainNode(this.#audio, { gain: 0 });
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(0.35, start + 0.015);
      gain.gain.exponentialRampToValueAtTime(0.001, start + 0.17);
      tone.connect(gain).connect(this.#audio.destination);
      tone.start(start);
      tone.stop(start + 0.18);
    });
  }
}
