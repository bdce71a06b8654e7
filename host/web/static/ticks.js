// Ticks at a steady rate: one tick and the silence after it, looped by the browser's audio thread. No timer of the page
// is asked, for those come late, and once a second in a pocket.

const TICK = { hz: 1800, decay_s: 0.006, length_s: 0.04, gain: 0.6 };
// The longest time between two ticks: 60 steps a minute, slower than any running.
const LOOP_S = 1;

// Ticks into `context` at once, `spm` times a minute. Returns {setRate, stop}.
export function startTicks(context, spm) {
  const loop = new AudioBufferSourceNode(context, { buffer: tickThenSilence(context), loop: true, loopEnd: 60 / spm });
  loop.connect(context.destination);
  loop.start();
  return {
    setRate: (rate_spm) => (loop.loopEnd = 60 / rate_spm),
    stop: () => loop.stop(),
  };
}

function tickThenSilence({ sampleRate }) {
  const buffer = new AudioBuffer({ length: LOOP_S * sampleRate, sampleRate });
  const tick = Float32Array.from({ length: TICK.length_s * sampleRate }, (_, i) => {
    const t_s = i / sampleRate;
    return TICK.gain * Math.exp(-t_s / TICK.decay_s) * Math.sin(2 * Math.PI * TICK.hz * t_s);
  });
  buffer.copyToChannel(tick, 0);
  return buffer;
}
