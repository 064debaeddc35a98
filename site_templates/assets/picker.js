// The lists of columns: which of them show, and by which the runs are grouped.
(function () {
  "use strict";
  const { element } = gittrack;
  const MAX_SHOWN = 300;
  const SECTIONS = [["Metrics", "m"], ["Parameters", "p"], ["Tags", "t"], ["Run", "a"]];

  // Check boxes for every column whose key holds `wanted`.
  function list(fields, wanted, isChecked, toggle, kinds = "mpta") {
    const fits = (text) => text.toLowerCase().includes(wanted.toLowerCase());
    return SECTIONS.filter(([, kind]) => kinds.includes(kind)).flatMap(([title, kind]) => {
      const all = kind === "a" ? [...fields.attributes.keys()] : [...fields.index.columns.values()].filter((column) => column.kind === kind).map(({ name }) => name);
      const found = all.filter((name) => fits(fields.title(name)));
      if (!found.length) return [];
      const boxes = found.slice(0, MAX_SHOWN).map((name) => {
        const box = element("input", { type: "checkbox", onchange: () => toggle(name, box.checked) });
        box.checked = isChecked(name);
        return element("label", {}, box, element("span", { text: fields.title(name), dir: "auto" }));
      });
      const more = found.length > MAX_SHOWN ? [element("p", { class: "hint", text: `and ${found.length - MAX_SHOWN} more: type to find them` })] : [];
      return [element("h2", { text: `${title} (${found.length})` }), ...boxes, ...more];
    });
  }

  gittrack.listColumns = list;
})();
