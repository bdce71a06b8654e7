// Live charts of one runner: left and right of one metric over the last seconds, over what is usual at that speed.
// Drawn with plotly.js, which is loaded when the first chart is wanted: a runner's phone never needs it.

import { CHART_SPAN_S, clockText, usual } from "./model.js";

// `least`: the axis spans at least this much, so that noise does not look like news.
export const METRICS = [
  { field: "tibial_inclination_ic_deg", title: "Tibia at landing", unit: "°", digits: 1, least: 12 },
  { field: "cadence_spm", title: "Cadence", unit: "spm", digits: 0, least: 24 },
  { field: "pelvic_tilt_deg", title: "Pelvic tilt", unit: "°", digits: 1, least: 8 },
  { field: "contact_time_ms", title: "Contact time", unit: "ms", digits: 0, least: 80 },
];
// The band: mean and so many SD of healthy runners, the limit from which the coach takes a pattern seriously.
export const BAND_SDS = 1.5;
// Redrawn at most this often: twenty charts of a club must fit one processor, and a stride be seen within 250 ms.
const PERIOD_MS = 150;
const TICK_S = 30;

let library = null;
function plotly() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "plotly.min.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      library = null;
      reject(new Error("the charts' library did not load"));
    };
    document.head.append(script);
  });
  return library;
}

export class Chart {
  #visible = false;
  #drawn_ms = -PERIOD_MS;
  #waiting = false;

  constructor(metric, parent) {
    this.metric = metric;
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = `${metric.title}, ${metric.unit}`;
    this.plot = document.createElement("div");
    this.plot.className = "plot";
    this.plot.setAttribute("role", "img");
    this.plot.setAttribute("aria-label", `${metric.title} of the last ${CHART_SPAN_S} seconds, left and right`);
    figure.append(caption, this.plot);
    parent.append(figure);
    new IntersectionObserver((entries) => {
      this.#visible = entries.at(-1).isIntersecting;
      if (this.#visible && this.runner) this.draw(this.runner, this.norms);
    }).observe(this.plot);
    new ResizeObserver(() => this.runner && this.draw(this.runner, this.norms)).observe(this.plot);
  }

  draw(runner, norms) {
    this.runner = runner;
    this.norms = norms;
    if (!this.#visible || this.#waiting) return;
    this.#waiting = true;
    const wait_ms = Math.max(0, this.#drawn_ms + PERIOD_MS - performance.now());
    setTimeout(
      () =>
        requestAnimationFrame(async () => {
          this.#waiting = false;
          this.#drawn_ms = performance.now();
          const library = await plotly().catch(() => null);
          const { clientWidth: width, clientHeight: height } = this.plot;
          if (library && width && height) {
            const { traces, layout } = figureOf(this.metric, this.runner, this.norms, width, height);
            library.react(this.plot, traces, layout, { staticPlot: true, displayModeBar: false });
          }
        }),
      wait_ms,
    );
  }
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Traces and layout for plotly: pure, but for the theme's colours.
export function figureOf({ field, least }, runner, norms, width, height) {
  const end = runner.strides.at(-1)?.decided_s ?? 0;
  const begin = end - CHART_SPAN_S;
  const leg = (side, marker) => {
    const strides = runner.strides.filter((stride) => stride.side === side);
    return {
      x: strides.map((s) => s.ic_s),
      // A flagged stride is a gap: it is not shown as if it were known.
      y: strides.map((s) => (s.quality ? null : s[field])),
      name: side,
      mode: "lines+markers",
      line: { color: colour(`--${side}`), width: 1.4 },
      marker: { color: colour(`--${side}`), size: 3.5, symbol: marker },
    };
  };
  const legs = [leg("left", "circle"), leg("right", "diamond")];
  const band = runner.strides
    .map((s, i) => ({ x: s.ic_s, ...usual(norms[field], meanSpeed(runner.strides.slice(Math.max(0, i - 8), i + 9))) }))
    .filter((row) => row.sd !== undefined);
  const edge = (sign) => ({
    x: band.map((row) => row.x),
    y: band.map((row) => row.mean + sign * BAND_SDS * row.sd),
    mode: "lines",
    line: { width: 0 },
    fillcolor: colour("--band"),
  });
  const bands = band.length ? [edge(-1), { ...edge(1), fill: "tonexty" }] : [];
  const known = [...legs, ...bands].flatMap((trace) => trace.y).filter((y) => y !== null);
  const ticks = [];
  for (let t = Math.max(0, Math.ceil(begin / TICK_S) * TICK_S); t <= end; t += TICK_S) ticks.push(t);
  const cues = runner.cues.filter((cue) => cue.t_s > begin);
  return {
    traces: [...bands, ...legs],
    layout: {
      width,
      height,
      margin: { l: 34, r: 6, t: 4, b: 20 },
      showlegend: false,
      paper_bgcolor: "transparent",
      plot_bgcolor: "transparent",
      font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("--muted") },
      xaxis: {
        // A plain axis in seconds: plotly's own time axis takes small numbers for years.
        range: [begin, end + 1],
        tickvals: ticks,
        ticktext: ticks.map(clockText),
        showgrid: false,
        zeroline: false,
        linecolor: colour("--line"),
        showline: true,
      },
      yaxis: { range: span(known, least), nticks: 5, gridcolor: colour("--line"), zeroline: false, fixedrange: true },
      shapes: cues.map((cue) => ({
        type: "line",
        x0: cue.t_s,
        x1: cue.t_s,
        y0: 0,
        y1: 1,
        yref: "paper",
        line: { color: colour(cue.kind === "praise" ? "--praise" : "--cue"), width: 2, dash: "dot" },
      })),
    },
  };
}

// What is usual does not change with every step: the speed of the strides around.
function meanSpeed(strides) {
  const known = strides.map((s) => s.speed_mps).filter((v) => v !== null);
  return known.length ? known.reduce((a, b) => a + b) / known.length : null;
}

function span(values, least) {
  if (!values.length) return [0, least];
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const more = Math.max(0, least - (high - low)) / 2;
  const air = 0.06 * Math.max(high - low, least);
  return [low - more - air, high + more + air];
}
