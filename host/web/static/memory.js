// What this browser remembers of its person's wishes. Private windows may remember nothing; that is no error.

const key = (name) => `hamstream.${name}`;

export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(key(name)));
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(key(name), JSON.stringify(value));
  } catch {
    // Forgotten with the page.
  }
}
