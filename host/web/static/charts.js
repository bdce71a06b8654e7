// Live charts of one runner: left and right of each metric over the last seconds, over what is usual at that speed.
// Drawn with plotly.js, which is loaded when the first chart is wanted: a runner's phone never needs it.
// All charts of a runner are one plotly figure: redrawing it costs a third of what four figures do.

import { CHART_SPAN_S, clockText, usual } from "./model.js";

// `least`: the axis spans at least this much, so that noise does not look like news.
export const METRICS = [
  { field: "tibial_inclination_ic_deg", title: "Shin angle at landing", unit: "°", digits: 1, least: 12 },
  { field: "cadence_spm", title: "Cadence", unit: "spm", digits: 0, least: 24 },
  { field: "pelvic_tilt_deg", title: "Pelvic tilt", unit: "°", digits: 1, least: 8 },
  { field: "contact_time_ms", title: "Ground contact", unit: "ms", digits: 0, least: 80 },
];
// The band: mean and so many SD of healthy runners, the limit from which the coach takes a pattern seriously.
export const BAND_SDS = 1.5;
const TICK_S = 30;
// Around each chart, in pixels: the values' ticks, the title above, the times below.
const AROUND = { left: 34, right: 8, top: 22, bottom: 20 };
// The band follows the mean speed of so many strides before and after.
const BAND_STRIDES = 8;

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

// One runner's figure is drawn a frame, at once where none waits, else who has waited longest first: a club's page stays
// quick to the touch.
const waiting = new Set();
async function drawNext() {
  const [charts] = waiting;
  waiting.delete(charts);
  if (waiting.size) requestAnimationFrame(drawNext);
  await charts.drawNow();
}

export class Charts {
  #visible = false;

  constructor(plot) {
    this.plot = plot;
    plot.setAttribute("role", "img");
    const titles = METRICS.map((metric) => metric.title).join(", ");
    plot.setAttribute("aria-label", `${titles}: the last ${CHART_SPAN_S} seconds, left and right`);
    new IntersectionObserver((entries) => {
      this.#visible = entries.at(-1).isIntersecting;
      this.#ask();
    }).observe(plot);
    new ResizeObserver(() => this.#ask()).observe(plot);
  }

  draw(runner, norms) {
    this.runner = runner;
    this.norms = norms;
    this.#ask();
  }

  #ask() {
    if (!this.#visible || !this.runner) return;
    if (!waiting.size) queueMicrotask(drawNext);
    waiting.add(this);
  }

  async drawNow() {
    const drawer = await plotly().catch(() => null);
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!drawer || !width || !height) return;
    const columns = Number(getComputedStyle(this.plot).getPropertyValue("--columns"));
    const { traces, layout } = figureOf(this.runner, this.norms, width, height, columns);
    drawer.react(this.plot, traces, layout, { staticPlot: true, displayModeBar: false });
  }
}

// Traces and layout for plotly, from the runner, the theme's colours and the room there is.
function figureOf(runner, norms, width, height, columns) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const end = runner.strides.at(-1)?.decided_s ?? 0;
  // A young run fills the chart too, but its first strides are not drawn apart.
  const begin = Math.max(end - CHART_SPAN_S, Math.min(runner.strides[0]?.ic_s ?? 0, end - TICK_S));
  const cues = runner.cues.filter((cue) => cue.t_s > begin);
  const ticks = [];
  for (let t = Math.max(0, Math.ceil(begin / TICK_S) * TICK_S); t <= end; t += TICK_S) ticks.push(t);
  const traces = [];
  const layout = {
    width,
    height,
    margin: { l: 0, r: 0, t: 0, b: 0 },
    showlegend: false,
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("muted") },
    shapes: [],
    annotations: [],
  };
  const rows = METRICS.length / columns;
  METRICS.forEach(({ field, title, unit, least }, i) => {
    const n = i ? i + 1 : ""; // plotly's name of the i-th axis
    const [left, top] = [((i % columns) * width) / columns, (Math.floor(i / columns) * height) / rows];
    const [right, bottom] = [left + width / columns, top + height / rows];
    const drawn = [...bandOf(field, runner, norms, colour), ...legsOf(field, runner, colour)];
    for (const trace of drawn) traces.push({ ...trace, meta: field, xaxis: `x${n}`, yaxis: `y${n}` });
    layout[`xaxis${n}`] = {
      // A plain axis in seconds: plotly's own time axis takes small numbers for years.
      range: [begin, end + 1],
      tickvals: ticks,
      ticktext: ticks.map(clockText),
      domain: [(left + AROUND.left) / width, (right - AROUND.right) / width],
      anchor: `y${n}`,
      showgrid: false,
      zeroline: false,
      showline: true,
      linecolor: colour("line"),
    };
    layout[`yaxis${n}`] = {
      range: span(drawn.flatMap((trace) => trace.y).filter((y) => y !== null), least),
      domain: [1 - (bottom - AROUND.bottom) / height, 1 - (top + AROUND.top) / height],
      anchor: `x${n}`,
      nticks: 5,
      gridcolor: colour("line"),
      zeroline: false,
    };
    layout.annotations.push({
      text: `<b>${title}</b> ${unit}`,
      ...{ xref: "paper", yref: "paper", x: left / width, y: 1 - top / height },
      ...{ xanchor: "left", yanchor: "top", showarrow: false, font: { size: 12.5 } },
    });
    for (const cue of cues)
      layout.shapes.push({
        type: "line",
        ...{ xref: `x${n}`, yref: `y${n} domain`, x0: cue.t_s, x1: cue.t_s, y0: 0, y1: 1 },
        line: { color: colour(cue.kind === "praise" ? "well" : "cue"), width: 2, dash: "dot" },
      });
  });
  return { traces, layout };
}

// A line for each leg, and its sign at the newest stride: left and right are told apart without colour too.
function legsOf(field, runner, colour) {
  return [["left", "circle"], ["right", "diamond"]].flatMap(([side, symbol]) => {
    const strides = runner.strides.filter((stride) => stride.side === side);
    const x = strides.map((s) => s.ic_s);
    // A flagged stride is a gap: it is not shown as if it were known.
    const y = strides.map((s) => (s.quality ? null : s[field]));
    const last = y.findLastIndex((value) => value !== null);
    const sign = last < 0 ? [[], []] : [[x[last]], [y[last]]];
    return [
      { name: side, x, y, mode: "lines", line: { color: colour(side), width: 1.5 } },
      { name: `${side} now`, x: sign[0], y: sign[1], mode: "markers", marker: { color: colour(side), size: 8, symbol } },
    ];
  });
}

function bandOf(field, runner, norms, colour) {
  const { strides } = runner;
  const band = strides
    .filter((_, i) => i % BAND_STRIDES === 0 || i === strides.length - 1)
    .map((stride) => {
      const i = strides.indexOf(stride);
      const around = strides.slice(Math.max(0, i - BAND_STRIDES), i + BAND_STRIDES + 1);
      return { x: stride.ic_s, ...usual(norms[field], meanSpeed(around)) };
    })
    .filter((row) => row.sd !== undefined);
  const edge = (name, sign) => ({
    name,
    x: band.map((row) => row.x),
    y: band.map((row) => row.mean + sign * BAND_SDS * row.sd),
    mode: "lines",
    line: { width: 0 },
    fillcolor: colour("band"),
  });
  return band.length ? [edge("low", -1), { ...edge("high", 1), fill: "tonexty" }] : [];
}

function meanSpeed(strides) {
  const known = strides.map((s) => s.speed_mps).filter((v) => v !== null);
  return known.length ? known.reduce((a, b) => a + b) / known.length : null;
}

function span(values, least) {
  if (!values.length) return [0, least];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const more = Math.max(0, least - (high - low)) / 2;
  const air = 0.06 * Math.max(high - low, least);
  return [low - more - air, high + more + air];
}
