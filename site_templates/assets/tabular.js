// A table as text: CSV, JSON, Markdown and LaTeX with booktabs; and files to keep.
(function () {
  "use strict";
  const { element } = gittrack;

  // table: {heads: [text], rows: [[number, text, null or {mean, std, count}]]}
  const plain = (cell) => (cell === null || cell === undefined ? "" : typeof cell === "object" ? gittrack.spread(cell.mean, cell.std) : String(cell));

  function csv({ heads, rows }) {
    const quote = (text) => (/[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    // A spreadsheet would run a text that begins like a formula.
    const safe = (cell) => (typeof cell === "string" && /^[=+\-@\t\r]/u.test(cell) && Number.isNaN(Number(cell)) ? `'${cell}` : plain(cell));
    const several = heads.map((_, i) => rows.some((row) => row[i] !== null && typeof row[i] === "object"));
    const line = (cells) => cells.map((cell) => quote(safe(cell))).join(",");
    const spreadHeads = heads.flatMap((head, i) => (several[i] ? [`${head} mean`, `${head} std`, `${head} n`] : [head]));
    const spreadCells = (row) => row.flatMap((cell, i) => {
      if (!several[i]) return [cell];
      return cell !== null && typeof cell === "object" ? [cell.mean, cell.std, cell.count] : [cell, null, cell === null ? 0 : 1];
    });
    return `${[line(spreadHeads), ...rows.map((row) => line(spreadCells(row)))].join("\r\n")}\r\n`;
  }

  function json({ heads, rows }) {
    const special = (cell) => (typeof cell === "number" && !Number.isFinite(cell) ? String(cell) : cell ?? null);
    return `${JSON.stringify(rows.map((row) => Object.fromEntries(heads.map((head, i) => [head, special(row[i])]))), null, 1)}\n`;
  }

  const shorten = (cell) => (typeof cell === "number" ? gittrack.number(cell) : plain(cell));
  const isNumeric = (rows, i) => rows.some((row) => row[i] !== null && row[i] !== undefined) && rows.every((row) => row[i] === null || row[i] === undefined || typeof row[i] !== "string");

  function markdown({ heads, rows }) {
    const escape = (text) => text.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replace(/[\r\n]+/gu, " ").replace(/[<>&*_`[\]]/gu, "\\$&");
    const line = (cells) => `| ${cells.join(" | ")} |`;
    return `${[line(heads.map(escape)), line(heads.map((_, i) => (isNumeric(rows, i) ? "---:" : "---"))), ...rows.map((row) => line(row.map((cell) => escape(shorten(cell)))))].join("\n")}\n`;
  }

  const LATEX = { "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", $: "\\$", "#": "\\#", _: "\\_", "{": "\\{", "}": "\\}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };
  function latex({ heads, rows }) {
    const escape = (text) => text.replace(/[\\&%$#_{}~^]/gu, (char) => LATEX[char]).replace(/[\r\n]+/gu, " ");
    const cell = (value) => {
      if (value !== null && typeof value === "object") return `$${gittrack.spread(value.mean, value.std).replace("±", "\\pm")}$`;
      if (typeof value === "number") return `$${shorten(value).replace("∞", "\\infty").replace(/e(-?\d+)$/u, " \\times 10^{$1}")}$`;
      return escape(plain(value));
    };
    const line = (cells) => `  ${cells.join(" & ")} \\\\`;
    const columns = heads.map((_, i) => (isNumeric(rows, i) ? "r" : "l")).join("");
    return [`\\begin{tabular}{${columns}}`, "  \\toprule", line(heads.map(escape)), "  \\midrule", ...rows.map((row) => line(row.map(cell))), "  \\bottomrule", "\\end{tabular}", ""].join("\n");
  }

  function save(name, type, content) {
    const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
    const link = element("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    gittrack.say(`Saved ${name}`);
  }

  gittrack.forms = {
    CSV: { suffix: "csv", type: "text/csv", write: csv },
    JSON: { suffix: "json", type: "application/json", write: json },
    Markdown: { suffix: "md", type: "text/markdown", write: markdown },
    "LaTeX (booktabs)": { suffix: "tex", type: "application/x-tex", write: latex },
  };
  gittrack.saveFile = save;

  // A menu of the forms a table can be taken in, and the clipboard. `make()` returns the table, or a promise of it or
  // of null, where it cannot be had; `more` are further entries.
  gittrack.offerTable = (button, name, make, more = []) => {
    const taken = (use) => async () => {
      const table = await make();
      if (table) use(table);
    };
    gittrack.openMenu(button, [
      ...Object.entries(gittrack.forms).map(([title, { suffix, type, write }]) => ({ title: `Save as ${title}`, act: taken((table) => save(`${name}.${suffix}`, type, write(table))) })),
      null,
      { title: "Copy as Markdown", act: taken((table) => gittrack.copy(markdown(table), "The table is copied.")) },
      { title: "Copy as LaTeX", act: taken((table) => gittrack.copy(latex(table), "The table is copied.")) },
      ...(more.length ? [null, ...more] : []),
    ]);
  };
})();
