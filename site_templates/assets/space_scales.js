// How the values of a column lie on an axis.
(function () {
  "use strict";
  const { asNumber, number } = gittrack;
  const MAX_CATEGORIES = 12;
  const DECADES = 30;

  const distinct = (cells) => [...new Set(cells.filter((cell) => cell !== null))];
  const isLogarithmic = (low, high) => low > 0 && high / low >= DECADES;

  function decades(low, high) {
    const inner = [];
    for (let power = Math.ceil(Math.log10(low)); power <= Math.floor(Math.log10(high)); power++) {
      const value = 10 ** power;
      const share = Math.log10(value / low) / Math.log10(high / low);
      if (share > 0.06 && share < 0.94) inner.push(value);
    }
    return [low, ...inner.filter((_, i) => inner.length <= 6 || i % 2 === 0), high];
  }

  // Places from 0 to 1 with ticks, null when a column has none.
  function scaleOf(index, name) {
    const column = index.columns.get(name);
    const cells = index.cells(name);
    const values = distinct(cells);
    if (values.length < 2) return null;
    if (!column.numeric) {
      if (values.length > MAX_CATEGORIES) return null;
      const order = new Map(values.map(String).sort().map((value, i) => [value, i / (values.length - 1)]));
      return { place: (cell) => order.get(String(cell)), ticks: [...order].map(([t, p]) => ({ t, p })) };
    }
    const numbers = values.map(asNumber).filter(Number.isFinite);
    const low = numbers.reduce((a, b) => Math.min(a, b), Infinity), high = numbers.reduce((a, b) => Math.max(a, b), -Infinity);
    if (!(high > low)) return null;
    const log = isLogarithmic(low, high);
    const to = log ? Math.log10 : (value) => value;
    const span = to(high) - to(low);
    const place = (cell) => {
      const value = asNumber(cell);
      return Number.isFinite(value) ? (to(value) - to(low)) / span : undefined;
    };
    const at = numbers.length <= 7 ? numbers : log ? decades(low, high) : [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (high - low));
    return { place, ticks: at.map((value) => ({ t: number(value), p: place(value) })) };
  }

  // What a scatter plot does with a column.
  function kindOf(index, name) {
    if (!index.columns.get(name).numeric) return "nominal";
    const [low, high] = index.range(name);
    return isLogarithmic(low, high) ? "log" : "linear";
  }

  // A function from cells to at most `most` classes that read well, in their order.
  function classes(index, name, rows, most) {
    const cells = index.cells(name);
    const values = distinct(rows.map((row) => cells[row]));
    const numeric = index.columns.get(name).numeric;
    if (values.length <= most) {
      const order = numeric ? values.sort((a, b) => asNumber(a) - asNumber(b)) : values.map(String).sort();
      const text = (cell) => (typeof cell === "number" ? number(cell) : String(cell));
      return { of: (row) => (cells[row] === null ? null : text(cells[row])), order: order.map(text) };
    }
    if (!numeric) {
      const counts = new Map();
      for (const row of rows) if (cells[row] !== null) counts.set(cells[row], (counts.get(cells[row]) ?? 0) + 1);
      const frequent = [...counts].sort((a, b) => b[1] - a[1]).slice(0, most - 1).map(([cell]) => String(cell));
      return { of: (row) => (cells[row] === null ? null : frequent.includes(String(cells[row])) ? String(cells[row]) : "others"), order: [...frequent.sort(), "others"] };
    }
    const [low, high] = index.range(name);
    const log = isLogarithmic(low, high);
    const to = log ? Math.log10 : (value) => value, from = log ? (value) => 10 ** value : (value) => value;
    const step = (to(high) - to(low)) / most;
    const edges = Array.from({ length: most + 1 }, (_, i) => from(to(low) + i * step));
    const text = (i) => `${number(Number(edges[i].toPrecision(2)))} – ${number(Number(edges[i + 1].toPrecision(2)))}`;
    const of = (row) => {
      const value = asNumber(cells[row]);
      return Number.isFinite(value) && (!log || value > 0) ? text(Math.min(most - 1, Math.max(0, Math.floor((to(value) - to(low)) / step)))) : null;
    };
    return { of, order: Array.from({ length: most }, (_, i) => text(i)) };
  }

  Object.assign(gittrack, { scaleOf, kindOfAxis: kindOf, classesOf: classes });
})();
