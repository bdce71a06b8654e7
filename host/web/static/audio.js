// The one place where sound comes out. Browsers give it only after a tap or a key: call this from there first.

let context = null;

export function audio() {
  context ??= new (window.AudioContext ?? window.webkitAudioContext)();
  context.resume();
  return context;
}
