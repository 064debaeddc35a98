// Any table in a dialog: what a chart shows, for who does not see it.
(function () {
  "use strict";
  const { element, number } = gittrack;
  const MAX_ROWS = 2000;

  // table: {heads: [text], rows: [[number, text or null]]}
  gittrack.showTable = (title, { heads, rows }) => {
    const show = (cell) => (typeof cell === "number" ? number(cell) : cell ?? "");
    const body = rows.slice(0, MAX_ROWS).map((row) => element("tr", {}, ...row.map((cell) => element("td", { class: typeof cell === "number" ? "num" : null, text: show(cell) }))));
    const more = rows.length > MAX_ROWS ? element("p", { class: "hint", text: `The first ${MAX_ROWS} of ${rows.length} rows; the CSV file has all.` }) : null;
    const dialog = element("dialog", { class: "table-dialog", "aria-label": `${title} as a table` }, element("h2", { text: title }),
      element("div", { class: "scroll-both", tabindex: "0", role: "group", "aria-label": "Table" },
        element("table", { class: "plain" }, element("thead", {}, element("tr", {}, ...heads.map((head, i) => element("th", { scope: "col", class: typeof rows[0]?.[i] === "number" ? "num" : null, text: head })))), element("tbody", {}, ...body))),
      more, element("form", { method: "dialog" }, element("button", { text: "Close" })));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
})();
