// How fast the metronome ticks for a runner, and when it keeps silent. No sound in here.

// Above the runner's own step rate. 5 %: less energy absorbed at the knee and less braking (Heiderscheit et al. 2011,
// doi:10.1249/MSS.0b013e3181ebedf4, which tried 5 and 10 %, the hip gaining at 10 % only). At most 7.5 %: what runners
// were asked for in the field, and kept for a month (Willy et al. 2016, doi:10.1111/sms.12413); and no more than needed,
// for muscles work harder in late swing (Chumanov et al. 2012, doi:10.1016/j.gaitpost.2012.02.023).
const RISE = 0.05;
const MOST = 0.075;
// One's own rate is the median of so many good strides of both legs: the coach's window, 20 of a leg.
const OWN_STRIDES = 40;
// A change of one step a minute can be followed without thinking.
const STEP_SPM = 1;

export class Pace {
  wanted = false;
  ticking = false;
  #run;

  // `run`: what an earlier `run` said, so that a page loaded anew does not take the metronome's rate for the runner's.
  constructor(run) {
    this.#run = run ?? fresh("");
  }

  get run() {
    return this.#run;
  }

  get spm() {
    return this.#run.spm;
  }

  get rise_percent() {
    return this.spm && 100 * (this.spm / this.#run.own_spm - 1);
  }

  toggle(runner) {
    this.wanted = !this.wanted;
    // Who has run for a while without ticks may have changed speed: their rate is measured again.
    if (this.wanted && this.#ownStrides(runner).length >= OWN_STRIDES) this.#run = { ...this.#run, spm: null };
    this.update(runner);
  }

  // One step a minute slower (-1) or faster (+1), between the runner's own rate and the most.
  change(direction) {
    const { own_spm, spm } = this.#run;
    const wish = spm + direction * STEP_SPM;
    if (wish >= Math.round(own_spm) && wish <= own_spm * (1 + MOST)) this.#run = { ...this.#run, spm: wish };
  }

  update(runner) {
    this.ticking = false;
    if (!runner?.session) return; // nothing is known yet: a page loaded anew still has its memory
    const { session, event } = runner.session;
    if (session !== this.#run.session) this.#run = fresh(session);
    const own = this.#ownStrides(runner);
    if (this.wanted && this.spm === null && own.length >= OWN_STRIDES) {
      const own_spm = median(own.slice(-OWN_STRIDES).map((stride) => stride.cadence_spm));
      this.#run = { ...this.#run, own_spm, spm: Math.round(own_spm * (1 + RISE)) };
    }
    const runs = runner.status?.phase === "running" && event !== "ended";
    this.ticking = this.wanted && this.spm !== null && runs;
    const { own_since_s } = this.#run;
    if (this.ticking && own_since_s !== null) this.#run = { ...this.#run, own_since_s: null };
    if (!this.ticking && own_since_s === null)
      this.#run = { ...this.#run, own_since_s: runner.strides.at(-1)?.decided_s ?? 0 };
  }

  // Good strides that no tick has touched.
  #ownStrides(runner) {
    const { own_since_s } = this.#run;
    if (!runner || own_since_s === null) return [];
    return runner.strides.filter((stride) => !stride.quality && stride.ic_s >= own_since_s);
  }
}

// `own_since_s`: since when the runner runs without ticks; null while there are some.
const fresh = (session) => ({ session, own_spm: null, spm: null, own_since_s: 0 });

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
