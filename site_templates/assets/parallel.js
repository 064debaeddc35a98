// Parallel coordinates: every run a line over the axes, kept or not by brushes along them.
(function () {
  "use strict";
  const { markColour, scaleOf } = gittrack;
  const MAX_LINES = 1200;
  const MAX_AXES = 8;

  function chooseAxes(index) {
    const shown = index.manifest.shown.map((name) => index.columns.get(name));
    const primary = index.manifest.primary === null ? null : `m:${index.manifest.primary}`;
    const params = shown.filter((column) => column.kind === "p").map((column) => column.name);
    const metrics = shown.filter((column) => column.kind === "m" && column.name !== primary).map((column) => column.name);
    const wanted = [...params.slice(0, MAX_AXES - 2), ...metrics.slice(0, 1), ...(primary ? [primary] : [])];
    return wanted.map((name) => ({ name, title: name.slice(2), scale: scaleOf(index, name) })).filter(({ scale }) => scale);
  }

  // Draws into the card's box; false where there is too little to draw.
  async function draw({ index, rows, marked }, { box, hint, note }, charts) {
    const axes = chooseAxes(index);
    if (axes.length < 2 || rows.length < 2) return false;
    const primary = index.manifest.primary === null ? null : scaleOf(index, `m:${index.manifest.primary}`);
    const values = primary ? index.cells(`m:${index.manifest.primary}`) : null;
    const at = (a) => a / (axes.length - 1);
    const line = (row, more) => axes.flatMap(({ name, scale }, a) => {
      const cell = index.cells(name)[row];
      const p = cell === null ? undefined : scale.place(cell);
      return p === undefined ? [] : [{ r: row, a: at(a), p, ...more }];
    });
    const drawn = gittrack.sampleRows(rows, MAX_LINES);
    const faint = drawn.flatMap((row) => line(row, { v: (values && values[row] !== null && primary.place(values[row])) || 0 }));
    const chosen = marked.filter((run) => index.rowOf.has(run.id)).flatMap((run) => line(index.rowOf.get(run.id), { colour: markColour(run) }));
    const spec = gittrack.vega.fill(charts.parallel, {});
    spec.datasets = {
      lines: faint, chosen, brushes: [],
      axes: axes.map(({ title }, a) => ({ a: at(a), low: 0, high: 1, t: title })),
      ticks: axes.flatMap(({ scale }, a) => scale.ticks.map((tick) => ({ a: at(a), ...tick }))),
    };
    note(index.manifest.primary);
    const { view } = await gittrack.vega.embed(box, spec);
    wireBrushes(view, box, hint, { axes, index, all: rows.length, rows: drawn, faint, chosen });
    return true;
  }

  // Dragging along an axis keeps the runs whose value lies there; a click on an axis lets go of it.
  function wireBrushes(view, box, hint, { axes, index, all, rows, faint, chosen }) {
    const canvas = box.querySelector("canvas");
    const brushes = new Map();
    const clamp = (share) => Math.min(1, Math.max(0, share));
    const positions = axes.map(({ name, scale }) => ({ cells: index.cells(name), place: scale.place }));
    const fits = (row) => [...brushes].every(([a, { low, high }]) => {
      const { cells, place } = positions[a];
      const p = cells[row] === null ? undefined : place(cells[row]);
      return p !== undefined && p >= low && p <= high;
    });
    const locate = (event) => {
      const rectangle = canvas.getBoundingClientRect();
      const [left, top] = view.origin();
      const x = view.scale("x"), y = view.scale("y");
      const last = axes.length - 1;
      const a = Math.round(x.invert(event.clientX - rectangle.left - left) * last);
      const near = a >= 0 && a < axes.length && Math.abs(x(a / last) + left - (event.clientX - rectangle.left)) < 22;
      return { a: near ? a : null, p: clamp(y.invert(event.clientY - rectangle.top - top)) };
    };
    const say = (kept) => {
      const drawn = rows.length < all ? `${rows.length} of ${all} runs` : `${all} runs`;
      hint(kept ?? `${drawn} · drag along an axis to filter`);
    };
    const show = () => {
      const kept = new Set(rows.filter(fits));
      view.data("brushes", [...brushes].map(([a, { low, high }]) => ({ a: a / (axes.length - 1), low, high })));
      view.data("lines", faint.filter(({ r }) => kept.has(r)).map((line) => ({ ...line })));
      view.data("chosen", chosen.filter(({ r }) => fits(r)).map((line) => ({ ...line })));
      view.runAsync();
      say(brushes.size ? `${kept.size} of ${all} runs` : null);
    };
    let begun = null;
    canvas.addEventListener("pointerdown", (event) => {
      const { a, p } = locate(event);
      if (a === null) return;
      begun = { a, p };
      canvas.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      const { a, p } = locate(event);
      canvas.style.cursor = a === null && begun === null ? "" : "ns-resize";
      if (begun === null) return;
      brushes.set(begun.a, { low: Math.min(begun.p, p), high: Math.max(begun.p, p) });
      show();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (begun === null) return;
      if (Math.abs(locate(event).p - begun.p) < 0.01) brushes.delete(begun.a);
      begun = null;
      show();
    });
    say(null);
  }

  // The runs as a table of the axes' columns.
  function toTable({ index, rows }) {
    const axes = chooseAxes(index);
    return { heads: ["run", ...axes.map(({ title }) => title)], rows: rows.map((row) => [index.names[row], ...axes.map(({ name }) => index.cells(name)[row])]) };
  }

  gittrack.parallel = { draw, toTable };
})();
