// What the page says to a runner, by language: from the texts that the coach speaks from. The coach's view is English.

const WORDS = await (await fetch("words.json")).json();

export const languages = Object.keys(WORDS);

// "de-AT" and "de_DE" are German.
export const base = (language) => language.toLowerCase().split(/[-_]/)[0];

// {language, ...}; English where nobody has translated.
export function wordsIn(language) {
  const known = base(language) in WORDS ? base(language) : "en";
  return { language: known, ...WORDS[known] };
}

// A sentence with its `{names}` filled in.
export const filled = (sentence, values) => sentence.replace(/{(\w+)}/g, (_, name) => values[name]);

// The sentence for `n` of a thing.
export const count = (forms, n) => filled(forms[n === 1 ? 0 : 1], { n: n.toLocaleString() });

// Puts the words into every element that asks for one, as its text or its name.
export function label(own) {
  document.documentElement.lang = own.language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = own[element.dataset.word];
  for (const element of document.querySelectorAll("[data-name]")) element.ariaLabel = own[element.dataset.name];
}
