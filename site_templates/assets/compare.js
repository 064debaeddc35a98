// The compare page: chips, tables, curves, pictures, charts over all runs.
(function () {
  "use strict";
  const { address, basket, bind, byId, element, markColour, markDash, swatch, tables } = gittrack;
  const FALLBACK = 5;
  const MAX_RUNS = 20;
  const gallery = new gittrack.Gallery();
  const spaces = new gittrack.Spaces(byId("spaces"));
  let index, options, filter;
  let runs = [];
  const isLower = (key) => index.columns.get(`m:${key}`)?.lower ?? false;
  const which = () => byId("value").value;

  // Who comes without runs sees the best ones.
  async function chooseIds() {
    const ids = [...new Set(address.ids(address.read().get("runs")))];
    if (ids.length) return { ids: ids.slice(0, MAX_RUNS), hint: ids.length > MAX_RUNS ? `The first ${MAX_RUNS} of ${ids.length} runs.` : "" };
    const put = basket.read().slice(0, MAX_RUNS);
    if (put.length) return { ids: put, hint: "The runs you put aside." };
    if (!index.manifest.runs) return { ids: [], hint: "There are no runs yet." };
    await index.open();
    const primary = index.manifest.primary;
    const rows = primary ? index.rank(primary) : [...index.ids.keys()].sort((a, b) => index.starts[b] - index.starts[a]);
    const hint = primary ? `The best runs by ${primary}.` : "The newest runs.";
    return { ids: rows.slice(0, FALLBACK).map((row) => index.ids[row]), hint: `${hint} Select others on the Runs page.` };
  }

  function drawChips() {
    byId("title").textContent = runs.length ? `Compare ${gittrack.plural(runs.length, "run")}` : "Compare";
    byId("chips").replaceChildren(...runs.map((run, i) => element("li", { class: "chip" }, swatch(run),
      element("a", { href: address.page(run.id, run.slug), text: run.name || run.id, dir: "auto" }),
      i > 0 ? element("button", { type: "button", class: "base", text: "base", "aria-label": `Make ${run.name} the base`, onclick: () => go([run.id, ...runs.map(({ id }) => id).filter((id) => id !== run.id)]) }) : null,
      element("button", { type: "button", text: "×", "aria-label": `Remove ${run.name}`, onclick: () => remove(run.id) }))));
  }

  function write(ids = runs.map(({ id }) => id)) {
    address.write({ runs: address.join(ids), metrics: filter, value: which() === "last" ? null : which(), ...gittrack.curveOptions.write(options) });
  }
  function go(ids) {
    write(ids);
    if (ids.length) start(); else location.href = address.runs("");
  }
  function remove(id) {
    basket.write(basket.read().filter((other) => other !== id));
    go(runs.map((run) => run.id).filter((other) => other !== id));
  }

  function drawCurves() {
    gallery.clear();
    const wanted = filter.toLowerCase();
    const shown = tables.metricKeys(runs, index).filter((key) => key.toLowerCase().includes(wanted));
    byId("no-metrics").hidden = shown.length > 0;
    const system = shown.filter((key) => index.columns.get(`m:${key}`).system);
    gittrack.fillAsSeen(byId("curves"), shown.filter((key) => !index.columns.get(`m:${key}`).system), drawCard);
    byId("system").hidden = system.length === 0;
    byId("system-count").textContent = system.length;
    gittrack.fillAsSeen(byId("system-curves"), system, drawCard);
    gallery.idle();
  }

  function drawCard(key) {
    const lines = runs.filter((run) => run.curves[key]).map((run) => ({ name: run.name, letter: run.mark.letter, dash: markDash(run), colour: () => markColour(run), runs: [run] }));
    const box = element("div", { class: "plot" });
    const curves = new gittrack.Curves(box, key, lines);
    curves.set({ ...options });
    gallery.add(box, curves);
    return gittrack.drawCurveCard(key, curves, { embed: () => gittrack.embedAddress({ chart: key, runs: address.join(runs.map(({ id }) => id)), ...gittrack.curveOptions.write(options) }) });
  }

  function drawTables() {
    byId("params-hint").textContent = tables.drawParams(byId("params"), runs, byId("only-differences").checked);
    byId("final-hint").textContent = tables.drawMetrics(byId("final"), runs, index, which());
  }

  // Frames of the two tables for other pages.
  function listFrames() {
    const copy = (table, title, more) => () => gittrack.copyFrame(gittrack.embedAddress({ table, runs: address.join(runs.map(({ id }) => id)), ...more }), title, 420);
    return gittrack.pack ? [] : [
      { title: "Copy an iframe of the metrics", act: copy("metrics", "Metrics", { value: which() === "last" ? null : which() }) },
      { title: "Copy an iframe of the parameters", act: copy("params", "Parameters", { all: byId("only-differences").checked ? null : "1" }) },
    ];
  }

  function drawPictures() {
    const found = gittrack.pictures.collect(runs);
    byId("pictures").hidden = found.size === 0;
    gittrack.pictures.draw(byId("picture-grid"), runs, found);
  }

  async function start() {
    const { ids, hint } = await chooseIds();
    runs = gittrack.assignMarks(await gittrack.loadRuns(await Promise.all(ids.map((id) => index.find(id)))));
    const missing = ids.length - runs.length;
    const lost = missing ? `${missing} of the runs asked for ${missing === 1 ? "is" : "are"} not in this site. ` : "";
    byId("compare-hint").textContent = lost + (ids.length ? hint : hint || "Select runs on the Runs page first.");
    byId("compare-hint").hidden = byId("compare-hint").textContent === "";
    byId("comparison").hidden = runs.length === 0;
    byId("compare-actions").hidden = runs.length === 0;
    drawChips();
    if (!runs.length) return;
    drawTables();
    drawCurves();
    drawPictures();
    gittrack.differing.drawHeld(runs);
    gittrack.code.draw(runs);
    performance.mark("gittrack-ready");
    spaces.show({ index, rows: async () => [...(await index.open()).ids.keys()], marked: runs });
  }
  const begin = () => start().catch((error) => gittrack.say(error.message));

  function wire() {
    const params = address.read();
    options = gittrack.curveOptions.read(params);
    filter = params.get("metrics") || "";
    byId("metric-filter").value = filter;
    byId("value").value = ["last", "best", "min", "max"].includes(params.get("value")) ? params.get("value") : "last";
    const metrics = [...index.columns.values()].filter(({ kind }) => kind === "m").map(({ key }) => key);
    gittrack.curveOptions.wire(options, gallery, metrics, () => write(), { defined: index.manifest.axes, several: true });
    byId("metric-filter").addEventListener("input", gittrack.debounce(() => { filter = byId("metric-filter").value; drawCurves(); write(); }, 120));
    byId("value").addEventListener("change", () => { drawTables(); write(); });
    byId("system").addEventListener("toggle", () => gallery.idle());
    byId("only-differences").addEventListener("change", drawTables);
    byId("export-button").addEventListener("click", () => gittrack.offerTable(byId("export-button"), "comparison", () => tables.toTable(runs, tables.metricKeys(runs, index), isLower, which()), listFrames()));
    spaces.set(["parallel", "scatter"].map((kind) => new gittrack.SpaceCard({ kind })));
    bind("/", "Filter metrics", () => byId("metric-filter").focus());
    addEventListener("hashchange", begin);
  }

  gittrack.findIndex().then((found) => {
    index = found;
    wire();
    begin();
  }).catch((error) => gittrack.say(error.message));
})();
