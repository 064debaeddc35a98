// The tables of the compare page: what the runs were given, and where they ended.
(function () {
  "use strict";
  const { element, number, swatch, toNumber } = gittrack;
  const PLACES = { last: 0, min: 2, max: 4 };

  const show = (value) => (value === undefined ? "" : typeof value === "number" ? number(value) : String(value));

  function head(first, runs, numeric) {
    return element("thead", {}, element("tr", {}, element("th", { scope: "col", text: first }), ...runs.map((run, i) => element("th", {
      scope: "col", class: numeric ? "num" : null, title: run.name,
    }, swatch(run), i === 0 && runs.length > 1 ? `${run.name} (base)` : run.name))));
  }
  const nothing = (runs, text) => element("tr", {}, element("td", { colspan: runs.length + 1, class: "none-fit", text }));

  function fill(table, head, keys, row, empty) {
    const body = element("tbody", {}, empty);
    table.replaceChildren(head, body);
    if (keys.length) gittrack.fillAsSeen(body, keys, row);
  }

  // Params that differ come first.
  function drawParams(table, runs, onlyDifferences) {
    const keys = [...new Set(runs.flatMap((run) => Object.keys(run.params)))];
    const differs = (key) => runs.some((run) => run.params[key] !== runs[0].params[key]);
    const differing = keys.filter(differs);
    const shown = onlyDifferences && runs.length > 1 ? differing : [...differing, ...keys.filter((key) => !differs(key))];
    const row = (key) => element("tr", {}, element("th", { scope: "row", text: key, dir: "auto" }), ...runs.map((run) => {
      const value = run.params[key];
      const other = value !== runs[0].params[key];
      return element("td", { class: other ? "differs" : null, title: value === undefined ? null : String(value), text: show(value), dir: "auto" });
    }));
    const empty = keys.length ? "All parameters are equal." : "These runs have no parameters.";
    fill(table, head("Parameter", runs, false), shown, row, nothing(runs, empty));
    return `${differing.length} of ${keys.length} differ`;
  }

  function valueOf(run, key, which, isLower) {
    const place = PLACES[which === "best" ? (isLower(key) ? "min" : "max") : which];
    return key in run.metrics ? toNumber(run.metrics[key][place]) : undefined;
  }

  function difference(value, base, lower) {
    if (!Number.isFinite(value) || !Number.isFinite(base) || value === base) return null;
    const delta = value - base;
    const share = base !== 0 ? ` (${delta > 0 ? "+" : ""}${(100 * delta / Math.abs(base)).toFixed(1)} %)` : "";
    return element("small", { class: (delta < 0) === lower ? "better" : "worse", text: `${delta > 0 ? "+" : ""}${number(delta)}${share}` });
  }

  // Values with what they differ by from the first run's; the best of each metric stands out.
  function drawFinal(table, runs, keys, isLower, which) {
    const row = (key) => {
      const lower = isLower(key);
      const values = runs.map((run) => valueOf(run, key, which, isLower));
      const real = values.filter((value) => Number.isFinite(value));
      const best = real.length > 1 ? (lower ? Math.min(...real) : Math.max(...real)) : NaN;
      const allSame = real.every((value) => value === real[0]);
      return element("tr", {}, element("th", { scope: "row", text: key, dir: "auto" }, element("small", { text: lower ? "↓" : "↑", title: lower ? "lower is better" : "higher is better" })), ...values.map((value, i) => {
        const wins = value === best && !allSame;
        return element("td", { class: wins ? "num best" : "num", title: value === undefined ? null : String(value) }, element("span", { text: show(value) }), wins ? element("span", { class: "hidden", text: ", best" }) : null, i > 0 ? difference(value, values[0], lower) : null);
      }));
    };
    fill(table, head("Metric", runs, true), keys, row, nothing(runs, "These runs have no metrics."));
  }

  // Runs that differ in their seed only, as one column: mean, deviation, and whether the difference may be chance.
  function drawSettings(table, groups, keys, isLower, which) {
    const firsts = groups.map(([first]) => first);
    const row = (key) => {
      const lower = isLower(key);
      const samples = groups.map((runs) => runs.map((run) => valueOf(run, key, which, isLower)).filter(Number.isFinite));
      const spreads = samples.map(gittrack.measure);
      const means = spreads.filter(Boolean).map(({ mean }) => mean);
      const best = means.length > 1 ? (lower ? Math.min(...means) : Math.max(...means)) : NaN;
      return element("tr", {}, element("th", { scope: "row", text: key, dir: "auto" }, element("small", { text: lower ? "↓" : "↑" })), ...spreads.map((found, i) => {
        if (!found) return element("td", { class: "num" });
        const p = i > 0 ? gittrack.welch(samples[0], samples[i]) : null;
        const chance = p === null ? null : element("small", { class: p < 0.05 ? "better" : "unsure", title: "Welch's test against the base, two-sided", text: `p ${p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`}` });
        return element("td", { class: found.mean === best ? "num best" : "num" }, element("span", { text: gittrack.spread(found.mean, found.std) }), element("small", { text: `n=${found.count}` }), i > 0 && spreads[0] ? difference(found.mean, spreads[0].mean, lower) : null, chance);
      }));
    };
    fill(table, head("Metric", firsts, true), keys, row, nothing(firsts, "These runs have no metrics."));
  }

  // In the order of the manifest: training first, the system last.
  function metricKeys(runs, index) {
    const all = new Set(runs.flatMap((run) => Object.keys(run.metrics)));
    return [...index.columns.values()].filter((column) => column.kind === "m" && all.has(column.key)).map((column) => column.key);
  }

  // Where runs ended, those that differ in their seed only as one column; returns what the table shows.
  function drawMetrics(table, runs, index, which) {
    const isLower = (key) => index.columns.get(`m:${key}`)?.lower ?? false;
    const groups = gittrack.groupBySetting(runs, index);
    const seeded = groups.length > 1 && groups.some((group) => group.length > 1);
    if (seeded) drawSettings(table, groups, metricKeys(runs, index), isLower, which);
    else drawFinal(table, runs, metricKeys(runs, index), isLower, which);
    return seeded ? "mean ± std over seeds, Δ and p against the base" : "Δ against the base, best in green";
  }

  // Both as one table for text forms.
  function toTable(runs, keys, isLower, which) {
    const params = [...new Set(runs.flatMap((run) => Object.keys(run.params)))].filter((key) => runs.some((run) => run.params[key] !== runs[0].params[key]));
    return {
      heads: ["", ...runs.map((run) => run.name || run.id)],
      rows: [...params.map((key) => [key, ...runs.map((run) => run.params[key] ?? null)]), ...keys.map((key) => [key, ...runs.map((run) => valueOf(run, key, which, isLower) ?? null)])],
    };
  }

  gittrack.tables = { drawParams, drawMetrics, metricKeys, toTable };
})();
