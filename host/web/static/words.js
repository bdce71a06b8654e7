// The page's own words of the runner's view, by language. What the coach says comes from the server.
// To add a language: one more entry. The coach's view is English.

const WORDS = {
  en: {
    hello: "Voice on", // said when the voice is turned on, to hear that it works
    waiting: "Waiting",
    noSession: "No session has started yet",
    stand: "Stand still",
    measuringStand: "Measuring how you stand",
    ready: "Ready: run when you like",
    searching: "Looking for pods",
    lost: (pod) => `${pod} pod lost`,
    noData: (pods) => `No data: ${pods}`,
    walking: "Walking",
    measuring: "Measuring",
    calm: "All is well",
    keepGoing: "Keep going",
    ended: "Session ended",
    wellRun: "Well run",
    offline: "No connection",
    again: "Trying again…",
    pods: { pelvis: "Pelvis", shank_left: "Left shank", shank_right: "Right shank" },
    sides: { left: "Left leg", right: "Right leg" },
    time: "Time",
    cadence: "Cadence",
    speed: "Speed",
    metronome: "Metronome",
    slower: "Slower",
    faster: "Faster",
    counting: "counting your steps…",
    whenYouRun: "when you run",
    voices: "Which voice speaks",
    disclaimer: "Training aid, not a medical device.",
  },
  de: {
    hello: "Stimme an",
    waiting: "Warten",
    noSession: "Noch hat kein Lauf begonnen",
    stand: "Steh still",
    measuringStand: "Wir messen, wie du stehst",
    ready: "Bereit: lauf los, wann du willst",
    searching: "Suche Sensoren",
    lost: (pod) => `Sensor verloren: ${pod}`,
    noData: (pods) => `Keine Daten: ${pods}`,
    walking: "Gehen",
    measuring: "Messen",
    calm: "Alles gut",
    keepGoing: "Weiter so",
    ended: "Lauf beendet",
    wellRun: "Gut gelaufen",
    offline: "Keine Verbindung",
    again: "Neuer Versuch…",
    pods: { pelvis: "Becken", shank_left: "linker Unterschenkel", shank_right: "rechter Unterschenkel" },
    sides: { left: "Linkes Bein", right: "Rechtes Bein" },
    time: "Zeit",
    cadence: "Schritte",
    speed: "Tempo",
    metronome: "Metronom",
    slower: "Langsamer",
    faster: "Schneller",
    counting: "zähle deine Schritte…",
    whenYouRun: "sobald du läufst",
    voices: "Welche Stimme spricht",
    disclaimer: "Trainingshilfe, kein Medizinprodukt.",
  },
};

export const languages = Object.keys(WORDS);

// "de-AT" and "de_DE" are German.
export const base = (language) => language.toLowerCase().split(/[-_]/)[0];

// {language, ...}; English where nobody has translated.
export function wordsIn(language) {
  const known = base(language) in WORDS ? base(language) : "en";
  return { language: known, ...WORDS[known] };
}
