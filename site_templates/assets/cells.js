// What stands in a cell of the runs table: text, a bar, a curve, a mean.
(function () {
  "use strict";
  const { element, spread, svg } = gittrack;
  const SPARK = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-~";

  // A bar is a background: of a table of many metrics two elements a cell would be most of what there is to lay out.
  function addBar(td, share) {
    td.classList.add("with-bar");
    td.style.setProperty("--share", Number.isFinite(share) ? Math.round(1000 * Math.min(1, Math.max(0, share))) / 1000 : 0);
  }
  const shareOf = (value, [low, high]) => (high > low ? (value - low) / (high - low) : 1);

  function cell(column, value) {
    // Without a detour: these are most of what a table has.
    const td = document.createElement("td");
    if (column.numeric) td.className = "num";
    if (value === null || value === undefined) return td;
    const text = column.text(value);
    td.title = column.tip ? column.tip(value) : typeof value === "number" ? String(value) : text;
    td.textContent = text;
    if (column.bar) addBar(td, shareOf(value, column.bar));
    else td.dir = column.numeric ? "ltr" : "auto";
    return td;
  }

  // A group's cell: what its runs share, the mean of a metric, the newest time, else how many values there are.
  function groupCell(column, group, fields) {
    const cells = column.cells();
    const common = group.shared(cells);
    if (common !== undefined) return cell(column, common);
    if (column.newest) return cell(column, Math.max(...group.rows.map((row) => cells[row] ?? -Infinity)));
    const found = column.average ? group.spread(column.name, fields) : null;
    if (found) {
      const td = element("td", { class: "num mean", title: `mean ± standard deviation of ${found.count} runs` });
      td.append(element("span", { text: spread(found.mean, found.std) }), element("small", { text: `n=${found.count}` }));
      if (column.bar) addBar(td, shareOf(found.mean, column.bar));
      return td;
    }
    const count = new Set(group.rows.map((row) => cells[row])).size;
    return element("td", { class: "several", text: `${count} values` });
  }

  // A curve of 64 levels, a gap where the code says so.
  function spark(coded) {
    const picture = svg("svg", { class: "spark", viewBox: "0 0 97 24", "aria-hidden": "true" });
    const step = coded.length > 1 ? 96 / (coded.length - 1) : 0;
    let points = [];
    const flush = () => {
      if (points.length === 1) {
        const [x, y] = points[0].split(",");
        picture.append(svg("circle", { cx: x, cy: y, r: "1.7" }));
      } else if (points.length) picture.append(svg("polyline", { points: points.join(" ") }));
      points = [];
    };
    for (let i = 0; i < coded.length; i++) {
      const at = SPARK.indexOf(coded[i]);
      if (at < 0) flush();
      else points.push(`${(i * step).toFixed(1)},${(21.5 - (19 * at) / 63).toFixed(1)}`);
    }
    flush();
    return picture;
  }

  Object.assign(gittrack, { drawCell: cell, drawGroupCell: groupCell, drawSpark: spark });
})();
