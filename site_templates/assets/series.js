// Curves of loaded runs: decoded, along another axis, smoothed, and as the band of several runs.
(function () {
  "use strict";
  const { toNumber } = gittrack;
  // Beyond it the distance between two values overflows.
  const HUGE = 1e300;
  const T95 = [NaN, 12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086];

  function unroll(coded) {
    const out = [];
    if (coded.d) {
      let last = 0;
      for (const distance of coded.d) out.push(last += distance);
      return out;
    }
    if (!coded.length || !Array.isArray(coded[0])) return coded;
    for (const [start, delta, count] of coded) {
      for (let i = 0; i < count; i++) out.push(start + delta * i);
    }
    return out;
  }

  // One curve of a data script: {steps, values, seconds}; gaps are null.
  function decode(data, found) {
    const values = found[1].map((value) => {
      const real = toNumber(value);
      return Number.isFinite(real) ? Math.max(-HUGE, Math.min(HUGE, real)) : null;
    });
    return { steps: unroll(data.steps[found[0]]), values, seconds: unroll(data.times[found[2]]).map((tick) => (tick * data.unit) / 1000) };
  }

  // The curve of a metric of a loaded run, null where it has none; decoded once.
  function read(run, key) {
    run.decoded ??= new Map();
    if (!run.decoded.has(key)) run.decoded.set(key, run.curves[key] ? decode(run, run.curves[key]) : null);
    return run.decoded.get(key);
  }

  // Replaces a thinned curve by the whole one; false where it was whole.
  async function readFull(run, key) {
    const path = run.full?.[key];
    if (!path) return false;
    const data = await gittrack.load(`full/${run.id}/${key}`, path);
    run.decoded.set(key, decode(data, data.curve));
    delete run.full[key];
    return true;
  }

  // Places along an axis: "step", "relative", "time" or the value another metric had by then.
  function along(run, curve, axis) {
    if (axis === "relative") return curve.seconds;
    if (axis === "time") return curve.seconds.map((second) => run.start / 1000 + second);
    if (!axis.startsWith("m:")) return curve.steps;
    const other = read(run, axis.slice(2));
    if (!other) return curve.steps.map(() => null);
    let at = -1;
    return curve.steps.map((step) => {
      while (at + 1 < other.steps.length && other.steps[at + 1] <= step) at++;
      return at < 0 ? null : other.values[at];
    });
  }

  // Points in the order of x, one each, as uPlot wants them.
  function place(run, curve, axis) {
    const xs = along(run, curve, axis);
    const order = [...xs.keys()].filter((i) => xs[i] !== null);
    if (order.some((i, n) => n > 0 && xs[i] <= xs[order[n - 1]])) order.sort((a, b) => xs[a] - xs[b] || a - b);
    const out = { xs: [], values: [] };
    for (const i of order) {
      if (out.xs.length && out.xs.at(-1) === xs[i]) out.values[out.values.length - 1] = curve.values[i];
      else {
        out.xs.push(xs[i]);
        out.values.push(curve.values[i]);
      }
    }
    return out;
  }

  // Exponential moving average without the bias towards zero at its beginning, as TensorBoard has it.
  function smooth(values, weight) {
    let last = 0, total = 0;
    return values.map((value) => {
      if (value === null) return null;
      last = last * weight + (1 - weight) * value;
      total = total * weight + (1 - weight);
      return last / total;
    });
  }

  // The values of a curve at other places, between neighbours on a straight line; null outside it.
  function interpolate({ xs, values }, wanted) {
    const real = [...xs.keys()].filter((i) => values[i] !== null);
    let at = 0;
    return wanted.map((x) => {
      while (at + 1 < real.length && xs[real[at + 1]] <= x) at++;
      const i = real[at];
      if (i === undefined || x < xs[i]) return null;
      if (xs[i] === x) return values[i];
      const j = real[at + 1];
      if (j === undefined) return null;
      return values[i] + ((values[j] - values[i]) * (x - xs[i])) / (xs[j] - xs[i]);
    });
  }

  // The mean of values at one place, and below and above it what `kind` says.
  function spreadOf(values, kind) {
    const mean = gittrack.measure(values)?.mean ?? null;
    if (values.length < 2) return [mean, mean, mean];
    if (kind === "range") return [mean, Math.min(...values), Math.max(...values)];
    const factor = { std: 1, sem: 1 / Math.sqrt(values.length), ci: (T95[values.length - 1] ?? 1.96) / Math.sqrt(values.length) }[kind];
    const { std } = gittrack.measure(values);
    return [mean, mean - factor * std, mean + factor * std];
  }

  // Spreads at places in their order, as a band.
  const stack = (xs, spreads) => ({ xs, values: spreads.map(([mean]) => mean), low: spreads.map(([, low]) => low), high: spreads.map(([, , high]) => high) });

  // Points of one value each, any number at a place, as a band: [{x, value}].
  function gather(points, kind) {
    const places = new Map();
    for (const { x, value } of points) if (places.has(x)) places.get(x).push(value); else places.set(x, [value]);
    const xs = [...places.keys()].sort((a, b) => a - b);
    return stack(xs, xs.map((x) => spreadOf(places.get(x), kind)));
  }

  const MAX_PLACES = 1500;
  // Several curves as one.
  function band(curves, kind) {
    let xs = [...new Set(curves.flatMap((curve) => curve.xs))].sort((a, b) => a - b);
    const step = Math.ceil(xs.length / MAX_PLACES);
    if (step > 1) xs = xs.filter((_, i) => i % step === 0 || i === xs.length - 1);
    const rows = curves.map((curve) => interpolate(curve, xs));
    return stack(xs, xs.map((_, i) => spreadOf(rows.map((row) => row[i]).filter((value) => value !== null), kind)));
  }

  // The range most values lie in: what is far outside is left out of sight.
  function typicalRange(lists) {
    const all = lists.flat().filter((value) => value !== null).sort((a, b) => a - b);
    if (all.length < 20) return null;
    return [all[Math.floor(all.length * 0.02)], all[Math.ceil(all.length * 0.98) - 1]];
  }

  Object.assign(gittrack, { readCurve: read, readFullCurve: readFull, placeCurve: place, smoothCurve: smooth, bandOf: band, gatherBand: gather, typicalRange });
})();
