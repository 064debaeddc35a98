// Pictures that runs logged: side by side by their path, one step after the other.
(function () {
  "use strict";
  const { element, pack, root, swatch } = gittrack;
  const MAX_ROWS = 24;
  const KEYED = /^images\/(.+)\+step\+(-?\d+)\+timestamp\+\d+\+[^/]+$/u;

  // What a path says: the name its steps share, and the step, null where it has none.
  function split(path) {
    const keyed = KEYED.exec(path);
    if (keyed) return { key: keyed[1].replaceAll("~", "/"), step: Number(keyed[2]) };
    const dot = path.lastIndexOf(".");
    const stem = path.slice(0, dot), last = /(\d+)(\D*)$/u.exec(stem);
    if (!last) return { key: path, step: null };
    return { key: `${stem.slice(0, last.index)}#${last[2]}${path.slice(dot)}`, step: Number(last[1]) };
  }

  // Key → run id → [{step, file}], steps in their order.
  function collect(runs) {
    const found = new Map();
    for (const run of runs) {
      for (const [path, file] of Object.entries(run.pictures ?? {})) {
        const { key, step } = split(path);
        if (!found.has(key)) found.set(key, new Map());
        const ofKey = found.get(key);
        if (!ofKey.has(run.id)) ofKey.set(run.id, []);
        ofKey.get(run.id).push({ step, file, path });
      }
    }
    for (const ofKey of found.values()) for (const list of ofKey.values()) list.sort((a, b) => a.step - b.step);
    return found;
  }

  const steps = (found) => [...new Set([...found.values()].flatMap((ofKey) => [...ofKey.values()].flat()).map(({ step }) => step).filter((step) => step !== null))].sort((a, b) => a - b);

  // Fills a box with a row for each key; of each run the newest picture up to `step`.
  function draw(box, runs, found, step = Infinity) {
    box.replaceChildren(...[...found].slice(0, MAX_ROWS).map(([key, ofKey]) => element("div", { class: "picture-row" }, element("h3", { text: key, dir: "auto" }),
      element("div", { class: "picture-cells", tabindex: "0", role: "group", "aria-label": key }, ...runs.filter((run) => ofKey.has(run.id)).map((run) => {
        const list = ofKey.get(run.id);
        const shown = list.findLast((one) => one.step === null || one.step <= step) ?? list[0];
        return element("figure", {}, element("img", { src: pack ? pack.picture(shown.file) : root + shown.file, alt: `${shown.path} of ${run.name}`, loading: "lazy" }),
          element("figcaption", {}, run.mark ? swatch(run) : null, element("span", { text: run.name }), shown.step === null || list.length < 2 ? null : element("small", { text: `step ${shown.step}` })));
      })))));
  }

  gittrack.pictures = { collect, steps, draw };
})();
