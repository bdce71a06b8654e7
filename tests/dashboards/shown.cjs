// What a Grafana of this version makes of InfluxDB's answers, by its own browser code (@grafana/data): frames go
// through a panel's transformations, units, value mappings and thresholds. What only its server does, from answer to
// frames, is done here after pkg/tsdb/influxdb/influxql. Read: a list of {panel, targets} on stdin. Written: for each
// its frames' field names, and for a stat panel the texts and colours that are shown.

// The library looks for a browser when it is loaded.
Object.assign(globalThis, {
  window: globalThis,
  document: { createElement: () => ({}), addEventListener() {}, documentElement: {} },
  localStorage: { getItem: () => null, setItem() {} },
});
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "", language: "en-GB", languages: ["en-GB"] } });
const grafana = require("@grafana/data");
const { FieldType } = grafana;

const theme = grafana.createTheme();
const transformers = [...new Map(Object.values(grafana.standardTransformers).map((one) => [one.id, one])).values()];
grafana.standardTransformersRegistry.setInit(() => transformers.map((one) => ({ ...one, transformation: one })));

function field(name, values, config = {}, type = undefined) {
  const first = values.find((value) => value !== null);
  return { name, values, config, type: type ?? (typeof first === "string" ? FieldType.string : FieldType.number) };
}

function time(rows) {
  return field("Time", rows.map((row) => row[0]), {}, FieldType.time);
}

function named(alias, series, column) {
  return alias.replace(/\$tag_(\w+)/g, (_, tag) => series.tags?.[tag] ?? "").replace(/\$col/g, column);
}

function table({ refId, series }) {
  const rows = series.flatMap((one) => one.values.map((values) => ({ values, tags: one.tags ?? {} })));
  const column = (name, pick) => field(name, rows.map(pick), { displayNameFromDS: name });
  const tags = Object.keys(series[0].tags ?? {}).map((tag) => column(tag, (row) => row.tags[tag]));
  const values = series[0].columns.slice(1).map((name, i) => column(name, (row) => row.values[i + 1]));
  return [{ refId, length: rows.length, fields: [time(rows.map((row) => row.values)), ...tags, ...values] }];
}

function timeSeries({ refId, alias, series }) {
  return series.flatMap((one) =>
    one.columns.slice(1).map((column, i) => {
      const name = named(alias, one, column);
      const values = field("Value", one.values.map((row) => row[i + 1]), { displayNameFromDS: name });
      return { refId, name, length: one.values.length, fields: [time(one.values), { ...values, labels: one.tags }] };
    })
  );
}

function matches({ id, options }, name) {
  return id === "byName" ? options === name : id === "byRegexp" && grafana.stringToJsRegex(`/${options}/`).test(name);
}

function configure(frames, { defaults, overrides }) {
  for (const frame of frames) {
    for (const one of frame.fields) {
      const name = grafana.getFieldDisplayName(one, frame, frames);
      one.config = { ...defaults, ...one.config };
      for (const { matcher, properties } of overrides ?? []) {
        if (matches(matcher, name)) for (const { id, value } of properties) one.config[id] = value;
      }
    }
  }
}

function transformed(frames, transformations) {
  const known = transformations.filter(({ id }) => grafana.standardTransformersRegistry.getIfExists(id));
  if (known.length < transformations.length) throw new Error(`unknown transformation in ${JSON.stringify(transformations)}`);
  return new Promise((done) => grafana.transformDataFrame(known, frames).subscribe(done));
}

async function shown({ panel, targets }) {
  const raw = targets.filter(({ series }) => series.length).flatMap((one) => (one.table ? table(one) : timeSeries(one)));
  const frames = await transformed(raw, panel.transformations ?? []);
  const fields = frames.map((frame) => frame.fields.map((one) => grafana.getFieldDisplayName(one, frame, frames)));
  configure(frames, panel.fieldConfig);
  if (panel.type !== "stat") return { fields };
  const { fieldConfig, options } = panel;
  const replaceVariables = (text) => text;
  const values = grafana.getFieldDisplayValues({
    ...{ fieldConfig, theme, replaceVariables, data: frames, timeZone: "utc", reduceOptions: options.reduceOptions },
  });
  const text = ({ prefix = "", text, suffix = "" }) => `${prefix}${text}${suffix}`;
  return { fields, values: values.map(({ display }) => [display.title, text(display), display.color]) };
}

Promise.all(JSON.parse(require("fs").readFileSync(0, "utf8")).map(shown)).then((all) => console.log(JSON.stringify(all)));
