// A chart of curves as a file: PNG, SVG, CSV, a Vega-Lite specification; and as a table.
(function () {
  "use strict";
  const { colour, element } = gittrack;
  const fileName = (key) => key.replace(/[^\w.-]+/gu, "-");

  // Every point that is drawn, with the name of its line.
  function points(curves) {
    return curves.collect().flatMap(({ line, xs, values, low, high, isBand }) => xs.map((x, i) => ({
      run: line.name, x: curves.x === "commit" ? curves.commits[x] : x, value: values[i], ...(isBand ? { low: low[i], high: high[i] } : {}),
    })));
  }

  function toTable(curves) {
    const rows = points(curves);
    const banded = rows.some(({ low }) => low !== undefined);
    const axis = curves.x.replace(/^m:/u, "");
    return { heads: ["run", axis, curves.key, ...(banded ? ["low", "high"] : [])], rows: rows.map(({ run, x, value, low, high }) => [run, x, value, ...(banded ? [low ?? null, high ?? null] : [])]) };
  }

  function toVega(curves) {
    const { x, options: { log } } = curves;
    const rows = points(curves).map((row) => (x === "time" ? { ...row, x: row.x * 1000 } : row));
    const names = curves.collect().map(({ line }) => line.name);
    const shared = { x: { field: "x", type: x === "time" ? "temporal" : x === "commit" ? "nominal" : "quantitative", ...(x === "commit" ? { sort: curves.commits } : {}), title: x.replace(/^m:/u, "") }, color: { field: "run", type: "nominal", scale: { domain: names, range: curves.collect().map(({ line }) => line.colour()) }, title: null } };
    const scale = { zero: false, ...(log ? { type: "log" } : {}) };
    const line = { mark: { type: "line", strokeWidth: 1.5 }, encoding: { ...shared, y: { field: "value", type: "quantitative", title: curves.key, scale } } };
    const area = { mark: { type: "area", opacity: 0.16 }, encoding: { ...shared, y: { field: "low", type: "quantitative", scale, title: curves.key }, y2: { field: "high" } } };
    return { $schema: "https://vega.github.io/schema/vega-lite/v6.json", width: 560, height: 320, data: { values: rows }, layer: rows.some(({ low }) => low !== undefined) ? [area, line] : [line] };
  }

  function savePng(curves) {
    const from = curves.plot.ctx.canvas;
    const ratio = devicePixelRatio || 1;
    const head = 30 * ratio, legend = curves.lines.length > 1 ? 18 * ratio * Math.min(curves.lines.length, 20) + 8 * ratio : 0;
    const canvas = element("canvas", { width: from.width, height: from.height + head + legend });
    const context = canvas.getContext("2d");
    context.fillStyle = colour("card");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = colour("text");
    context.font = `600 ${14 * ratio}px Inter, system-ui, sans-serif`;
    context.fillText(curves.key, 12 * ratio, 20 * ratio);
    context.drawImage(from, 0, head);
    context.font = `${12 * ratio}px Inter, system-ui, sans-serif`;
    if (legend) {
      curves.lines.slice(0, 20).forEach((line, i) => {
        const y = head + from.height + (i * 18 + 14) * ratio;
        context.fillStyle = line.colour();
        context.fillRect(14 * ratio, y - 9 * ratio, 10 * ratio, 10 * ratio);
        context.fillStyle = colour("text");
        context.fillText(`${line.letter ?? ""} ${line.name}`, 32 * ratio, y);
      });
    }
    canvas.toBlob((blob) => gittrack.saveFile(`${fileName(curves.key)}.png`, "image/png", blob));
  }

  // The same lines in the same box, as shapes.
  function toSvg(curves) {
    const plot = curves.plot, ratio = devicePixelRatio || 1;
    const width = plot.width, height = plot.height + 30;
    const box = { left: plot.bbox.left / ratio, top: plot.bbox.top / ratio + 30, width: plot.bbox.width / ratio, height: plot.bbox.height / ratio };
    const x = (value) => plot.valToPos(value, "x") + box.left, y = (value) => plot.valToPos(value, "y") + box.top;
    const escape = (text) => String(text).replace(/[&<>"]/gu, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char]);
    const text = (value, at, anchor, size, fill, weight = 400) => `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" text-anchor="${anchor}" font-size="${size}" font-weight="${weight}" fill="${fill}">${escape(value)}</text>`;
    const parts = [text(curves.key, [12, 20], "start", 14, colour("text"), 600)];
    const [xAxis, yAxis] = plot.axes;
    (xAxis._values ?? []).forEach((label, i) => { const at = x(xAxis._splits[i]); if (at < box.left || at > box.left + box.width) return; parts.push(`<path d="M${at} ${box.top}v${box.height}" stroke="${colour("grid")}"/>`, text(label ?? "", [at, box.top + box.height + 18], "middle", 11, colour("muted"))); });
    (yAxis._values ?? []).forEach((label, i) => { const at = y(yAxis._splits[i]); parts.push(`<path d="M${box.left} ${at}h${box.width}" stroke="${colour("grid")}"/>`, text(label ?? "", [box.left - 6, at + 4], "end", 11, colour("muted"))); });
    plot.series.forEach((one, i) => {
      if (i === 0 || one.width === 0) return;
      let path = "", open = false;
      plot.data[i].forEach((value, n) => {
        if (value === undefined) return;
        if (value === null) { open = false; return; }
        path += `${open ? "L" : "M"}${x(plot.data[0][n]).toFixed(1)} ${y(value).toFixed(1)}`;
        open = true;
      });
      parts.push(`<path d="${path}" fill="none" stroke="${one.stroke(plot, i)}" stroke-width="${one.width}" stroke-linejoin="round"${one.dash?.length ? ` stroke-dasharray="${one.dash.join(" ")}"` : ""}${one.alpha < 1 ? ` opacity="${one.alpha}"` : ""}><title>${escape(one.label ?? "")}</title></path>`);
    });
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Inter, system-ui, sans-serif"><rect width="100%" height="100%" fill="${colour("card")}"/>${parts.join("")}</svg>\n`;
  }

  // Last, lowest and highest value of each line.
  function summary(curves) {
    const rows = curves.collect().map(({ line, xs, values }) => {
      const real = values.map((value, i) => ({ value, x: xs[i] })).filter(({ value }) => value !== null);
      const best = (better) => real.reduce((found, one) => (better(one.value, found.value) ? one : found), real[0]);
      const low = best((a, b) => a < b), high = best((a, b) => a > b);
      const at = (one) => (one ? curves.placeText(one.x) : null);
      return [line.letter ? `${line.letter} ${line.name}` : line.name, real.at(-1)?.value ?? null, low?.value ?? null, at(low), high?.value ?? null, at(high), real.length];
    });
    return { heads: ["Run", "Last", "Lowest", "at", "Highest", "at", "Points"], rows };
  }

  // What the menu of a chart offers.
  gittrack.curveEntries = (curves) => {
    const name = fileName(curves.key);
    const ready = () => { if (!curves.plot) curves.draw(); return curves.plot !== null; };
    return [
      { title: "Show as a table", act: () => gittrack.showTable(curves.key, summary(curves)) },
      null,
      { title: "Save as PNG", act: () => { if (ready()) savePng(curves); } },
      { title: "Save as SVG", act: () => { if (ready()) gittrack.saveFile(`${name}.svg`, "image/svg+xml", toSvg(curves)); } },
      { title: "Save as CSV", act: () => gittrack.saveFile(`${name}.csv`, "text/csv", gittrack.forms.CSV.write(toTable(curves))) },
      { title: "Save as Vega-Lite", act: () => gittrack.saveFile(`${name}.vl.json`, "application/json", `${JSON.stringify(toVega(curves), null, 1)}\n`) },
    ];
  };
})();
