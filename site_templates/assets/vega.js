// Vega, loaded when the first chart needs it: themes, templates with names put in, and files of charts.
(function () {
  "use strict";
  const { colour, load, script } = gittrack;
  const { charts: chartsPath, vega: vegaPaths } = document.currentScript.dataset;
  const views = new Map();
  let loading = null;

  function openLibrary() {
    loading ??= Promise.all(vegaPaths.split(" ").map(script));
    return loading;
  }

  // The chart templates, once Vega is there.
  async function open() {
    const [charts] = await Promise.all([load("charts", chartsPath), openLibrary()]);
    return charts;
  }

  function theme() {
    const text = colour("text"), muted = colour("muted"), grid = colour("grid");
    const font = "Inter, system-ui, sans-serif";
    return {
      background: null, font, view: { stroke: null },
      axis: {
        labelColor: muted, titleColor: muted, gridColor: grid, domain: false, ticks: false, labelFontSize: 11,
        titleFontSize: 12, titleFontWeight: 500, labelPadding: 6, titlePadding: 8, labelFont: font, titleFont: font,
        labelLimit: 140, titleLimit: 300,
      },
      axisX: { labelOverlap: "greedy", labelSeparation: 8 },
      legend: { labelColor: text, titleColor: muted, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 600, symbolOpacity: 1, labelLimit: 140 },
      range: { category: Array.from({ length: 10 }, (_, i) => colour(`c${i}`)) },
      rule: { color: colour("faint") },
      boxplot: { median: { color: colour("card") }, rule: { color: colour("faint") }, ticks: false, outliers: { color: colour("faint") } },
    };
  }

  // A template with the names a reader sees put in.
  function fill(spec, names) {
    const all = { $text: colour("text"), $muted: colour("muted"), $card: colour("card"), $accent: colour("accent"), $good: colour("c2"), $bad: colour("c1"), ...names };
    return JSON.parse(JSON.stringify(spec), (_, value) => (typeof value === "string" && Object.hasOwn(all, value) ? all[value] : value));
  }

  // Without the layers that have nothing to show: Vega warns of the extent of no data.
  function withData(spec, datasets) {
    const layer = spec.layer?.filter(({ data }) => !data || datasets[data.name].length);
    return { ...spec, ...(layer ? { layer } : {}), datasets };
  }

  // A figure of somebody else's making, which may warn of itself: that is not for our readers.
  async function embedForeign(box, spec) {
    await openLibrary();
    return embed(box, spec, null, { logLevel: vega.Error });
  }

  async function embed(box, spec, onclick, options = {}) {
    views.get(box)?.finalize();
    box.dataset.scheme = gittrack.scheme();
    const result = await vegaEmbed(box, spec, {
      mode: "vega-lite", ast: true, actions: false, defaultStyle: false, renderer: "canvas",
      tooltip: { disableDefaultStyle: true }, config: theme(), ...options,
    });
    views.set(box, result);
    if (onclick) result.view.addEventListener("click", (_, item) => { if (item?.datum?.page) onclick(item.datum); });
    return result;
  }

  function remove(box) {
    views.get(box)?.finalize();
    views.delete(box);
  }

  // What the menu of a chart offers: name of its files, table(): {heads, rows}.
  function entries(box, name, table) {
    const file = name.replace(/[^\w.-]+/gu, "-");
    const view = () => views.get(box)?.view;
    const spec = () => ({ $schema: "https://vega.github.io/schema/vega-lite/v6.json", config: theme(), ...views.get(box)?.spec });
    return [
      { title: "Show as a table", act: () => gittrack.showTable(name, table()) },
      null,
      { title: "Save as PNG", act: async () => gittrack.saveFile(`${file}.png`, "image/png", await (await view().toCanvas(2)).convertToBlob?.() ?? await blobOf(await view().toCanvas(2))) },
      { title: "Save as SVG", act: async () => gittrack.saveFile(`${file}.svg`, "image/svg+xml", await view().toSVG()) },
      { title: "Save as CSV", act: () => gittrack.saveFile(`${file}.csv`, "text/csv", gittrack.forms.CSV.write(table())) },
      { title: "Save as Vega-Lite", act: () => gittrack.saveFile(`${file}.vl.json`, "application/json", `${JSON.stringify(spec(), null, 1)}\n`) },
    ];
  }
  const blobOf = (canvas) => new Promise((resolve) => canvas.toBlob(resolve));

  // The largest of the tables a chart was drawn from, for who does not see it.
  function tableOf(box) {
    const { data } = views.get(box).view.getState({ data: () => true, signals: () => false, recurse: true });
    const tables = Object.values(data).filter((rows) => Array.isArray(rows) && rows.length && typeof rows[0] === "object");
    const rows = tables.reduce((most, one) => (one.length > most.length ? one : most), []);
    const heads = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((head) => !head.startsWith("_"));
    const cell = (value) => (value === undefined || value === null ? null : typeof value === "number" ? value : typeof value === "object" ? JSON.stringify(value) : String(value));
    return { heads, rows: rows.map((row) => heads.map((head) => cell(row[head]))) };
  }

  gittrack.vega = { open, fill, withData, embed, embedForeign, remove, entries, tableOf };
})();
