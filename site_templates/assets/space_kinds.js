// The charts over runs: what each needs to be asked, and the data it draws.
//
// A kind has `fields`: which columns it asks for, and `make(scene, chosen)`: {template, names, datasets, table}.
// A scene has the index, the rows that fit, and the runs that are marked.
(function () {
  "use strict";
  const { address, asNumber, classesOf, kindOfAxis, markColour, measure, number } = gittrack;
  const MAX_POINTS = 5000;
  const MAX_BARS = 24;
  const MAX_CLASSES = 8;
  const MAX_IMPORTANT = 16;

  // Rows at even distances, when there are too many.
  function sample(rows, limit) {
    const step = Math.max(1, rows.length / limit);
    const out = [];
    for (let i = 0; i < rows.length; i += step) out.push(rows[Math.floor(i)]);
    return out;
  }
  const keyOf = (name) => name.slice(2) + ({ l: " min", h: " max" }[name[0]] ?? "");

  function scatter({ index, rows, marked }, { x, y, colour }) {
    const xKind = kindOfAxis(index, x), yKind = kindOfAxis(index, y) === "log" ? "log" : "linear";
    const xs = index.cells(x), ys = index.numbers(y);
    const grouping = colour ? classesOf(index, colour, rows, MAX_CLASSES) : null;
    const place = (cell) => (xKind === "nominal" ? String(cell) : asNumber(cell));
    const usable = (row) => xs[row] !== null && (xKind === "nominal" || Number.isFinite(place(xs[row]))) && Number.isFinite(ys[row]);
    const point = (row) => ({
      x: place(xs[row]), y: ys[row], c: grouping ? grouping.of(row) ?? "none" : "all runs", name: index.names[row],
      xt: typeof xs[row] === "number" ? number(xs[row]) : xs[row], yt: number(ys[row]), page: address.page(index.ids[row], index.slugs[row]),
    });
    const points = sample(rows.filter(usable), MAX_POINTS).map(point);
    const chosen = marked.filter((run) => index.rowOf.has(run.id) && usable(index.rowOf.get(run.id))).map((run) => ({ ...point(index.rowOf.get(run.id)), colour: markColour(run) }));
    return {
      template: `scatter-${xKind}-${yKind}`, names: { $x: keyOf(x), $y: keyOf(y), $colour: colour ? keyOf(colour) : "" }, title: `${keyOf(x)} against ${keyOf(y)}`,
      datasets: { runs: points, chosen }, count: points.length,
      table: () => ({ heads: ["run", keyOf(x), keyOf(y), ...(colour ? [keyOf(colour)] : [])], rows: points.map((one) => [one.name, one.x, one.y, ...(colour ? [one.c] : [])]) }),
    };
  }

  // The mean of a metric for each value of a param, with its deviation and how many runs there are.
  function bar({ index, rows }, { x, y }) {
    const grouping = classesOf(index, x, rows, MAX_BARS);
    const ys = index.numbers(y);
    const bars = grouping.order.map((label) => {
      const found = measure(rows.filter((row) => grouping.of(row) === label).map((row) => ys[row]).filter(Number.isFinite));
      return found && { x: label, y: found.mean, low: found.mean - (found.std ?? 0), high: found.mean + (found.std ?? 0), n: found.count, t: gittrack.spread(found.mean, found.std) };
    }).filter(Boolean);
    return {
      template: "bar", names: { $x: keyOf(x), $y: `mean ${keyOf(y)}` }, title: `${keyOf(y)} by ${keyOf(x)}`, datasets: { bars }, count: bars.length, sort: grouping.order,
      table: () => ({ heads: [keyOf(x), `mean ${keyOf(y)}`, "std below", "std above", "runs"], rows: bars.map((one) => [one.x, one.y, one.low, one.high, one.n]) }),
    };
  }

  function box({ index, rows }, { x, y }) {
    const grouping = classesOf(index, x, rows, MAX_BARS);
    const ys = index.numbers(y);
    const points = sample(rows.filter((row) => grouping.of(row) !== null && Number.isFinite(ys[row])), MAX_POINTS).map((row) => ({ x: grouping.of(row), y: ys[row], name: index.names[row] }));
    return {
      template: "box", names: { $x: keyOf(x), $y: keyOf(y) }, title: `Spread of ${keyOf(y)} by ${keyOf(x)}`, datasets: { runs: points }, count: points.length, sort: grouping.order,
      table: () => ({ heads: ["run", keyOf(x), keyOf(y)], rows: points.map((one) => [one.name, one.x, one.y]) }),
    };
  }

  // The mean of a metric where two params cross.
  function heat({ index, rows }, { x, y, colour }) {
    const [across, down] = [classesOf(index, x, rows, MAX_CLASSES), classesOf(index, y, rows, MAX_CLASSES)];
    const values = index.numbers(colour);
    const sums = new Map();
    for (const row of rows) {
      const key = JSON.stringify([across.of(row), down.of(row)]);
      if (key.includes("null") || !Number.isFinite(values[row])) continue;
      if (!sums.has(key)) sums.set(key, []);
      sums.get(key).push(values[row]);
    }
    const cells = [...sums].map(([key, found]) => { const [cx, cy] = JSON.parse(key); const { mean, count } = measure(found); return { x: cx, y: cy, v: mean, n: count, t: number(mean) }; });
    const low = cells.reduce((least, { v }) => Math.min(least, v), Infinity), high = cells.reduce((most, { v }) => Math.max(most, v), -Infinity);
    // Dark text on the bright end of the scale.
    for (const cell of cells) cell.k = (cell.v - low) / (high - low || 1) > 0.55 ? "#111" : "#fff";
    return {
      template: "heat", names: { $x: keyOf(x), $y: keyOf(y), $colour: `mean ${keyOf(colour)}` }, title: `${keyOf(colour)} where ${keyOf(x)} and ${keyOf(y)} cross`, datasets: { cells }, count: cells.length,
      sort: across.order, sortY: [...down.order].reverse(),
      table: () => ({ heads: [keyOf(x), keyOf(y), `mean ${keyOf(colour)}`, "runs"], rows: cells.map((one) => [one.x, one.y, one.v, one.n]) }),
    };
  }

  // Ranks from 1, ties share theirs.
  function ranks(values) {
    const order = values.map((value, i) => [value, i]).sort((a, b) => a[0] - b[0]);
    const out = new Float64Array(values.length);
    for (let i = 0; i < order.length;) {
      let j = i;
      while (j < order.length && order[j][0] === order[i][0]) j++;
      for (let k = i; k < j; k++) out[order[k][1]] = (i + j + 1) / 2;
      i = j;
    }
    return out;
  }
  function correlation(a, b) {
    const n = a.length, meanA = a.reduce((s, v) => s + v, 0) / n, meanB = b.reduce((s, v) => s + v, 0) / n;
    let ab = 0, aa = 0, bb = 0;
    for (let i = 0; i < n; i++) {
      ab += (a[i] - meanA) * (b[i] - meanB);
      aa += (a[i] - meanA) ** 2;
      bb += (b[i] - meanB) ** 2;
    }
    return aa && bb ? ab / Math.sqrt(aa * bb) : 0;
  }

  // Spearman's rank correlation of each numeric param with a metric; of a text, the share of the ranks'
  // variance that its values explain (the correlation ratio), which has no sign.
  function importance({ index, rows }, { y }) {
    const values = index.numbers(y);
    const params = [...index.columns.values()].filter((column) => column.kind === "p" && column.varies && !column.seed && index.ready(column.name));
    const found = params.map((column) => {
      const cells = index.cells(column.name), numbers = column.numeric ? index.numbers(column.name) : null;
      const here = rows.filter((row) => Number.isFinite(values[row]) && (numbers ? Number.isFinite(numbers[row]) : cells[row] !== null));
      if (here.length < 4) return null;
      const target = ranks(here.map((row) => values[row]));
      if (numbers) return { key: column.key, v: correlation(ranks(here.map((row) => numbers[row])), target), n: here.length };
      const groups = new Map();
      here.forEach((row, i) => { const key = cells[row]; if (!groups.has(key)) groups.set(key, []); groups.get(key).push(target[i]); });
      if (groups.size < 2 || groups.size > here.length / 2) return null;
      const mean = target.reduce((s, v) => s + v, 0) / target.length;
      const total = target.reduce((s, v) => s + (v - mean) ** 2, 0);
      const between = [...groups.values()].reduce((s, group) => s + group.length * (group.reduce((t, v) => t + v, 0) / group.length - mean) ** 2, 0);
      return { key: column.key, v: total ? Math.sqrt(between / total) : 0, n: here.length, text: true };
    }).filter(Boolean).sort((a, b) => Math.abs(b.v) - Math.abs(a.v)).slice(0, MAX_IMPORTANT)
      .map((one) => ({ ...one, t: number(Number(one.v.toFixed(3))), s: one.text ? "of a text: strength only" : one.v < 0 ? "less is more" : "more is more" }));
    return {
      template: "importance", names: { $y: keyOf(y) }, title: `What ${keyOf(y)} goes along with`, datasets: { bars: found }, count: found.length,
      table: () => ({ heads: ["parameter", "rank correlation", "runs"], rows: found.map((one) => [one.key, one.v, one.n]) }),
    };
  }

  gittrack.spaceKinds = {
    scatter: { title: "Scatter plot", fields: { x: "pm", y: "m", colour: "p?" }, make: scatter },
    bar: { title: "Bar chart", fields: { x: "p", y: "m" }, make: bar },
    box: { title: "Box plot", fields: { x: "p", y: "m" }, make: box },
    heat: { title: "Heat map", fields: { x: "p", y: "p", colour: "m" }, make: heat },
    importance: { title: "Importance", fields: { y: "m" }, make: importance },
    parallel: { title: "Parallel coordinates", fields: {} },
  };
  gittrack.sampleRows = sample;
})();
