// A table of what compared runs do not have alike: packages, datasets, artifacts.
(function () {
  "use strict";
  const { byId, element, plural, size, swatch } = gittrack;
  const MOST_ROWS = 500;

  // held: for each run a map of keys to texts; what differs from the first run's stands out. Returns it in words.
  function draw(table, title, runs, held, noun) {
    const keys = [...new Set(held.flatMap((one) => [...one.keys()]))].sort();
    const differing = keys.filter((key) => held.some((one) => one.get(key) !== held[0].get(key)));
    table.replaceChildren(...(differing.length ? [
      element("thead", {}, element("tr", {}, element("th", { scope: "col", text: title }), ...runs.map((run) => element("th", { scope: "col", title: run.name }, swatch(run), run.name)))),
      element("tbody", {}, ...differing.slice(0, MOST_ROWS).map((key) => element("tr", {}, element("th", { scope: "row", text: key, dir: "auto" }), ...held.map((one) => element("td", {
        class: one.get(key) === held[0].get(key) ? null : "differs", text: one.get(key) ?? "", title: one.get(key), dir: "auto",
      }))))),
    ] : []));
    if (!differing.length) return `the same ${plural(keys.length, noun)}`;
    return `${differing.length} of ${plural(keys.length, noun)} differ${differing.length > MOST_ROWS ? `, the first ${MOST_ROWS} are shown` : ""}`;
  }

  function drawCard(name, title, noun, runs, hold) {
    const held = runs.map(hold);
    byId(name).hidden = held.every((one) => one.size === 0);
    if (!byId(name).hidden) byId(`${name}-hint`).textContent = draw(byId(`${name}-table`), title, runs, held, noun);
  }

  // By name, since another state of the same data has another digest.
  function datasetsOf(run) {
    const found = new Map();
    for (const [name, digest, context] of run.datasets ?? []) {
      const text = context ? `${digest} (${context})` : digest;
      found.set(name, found.has(name) ? `${found.get(name)}, ${text}` : text);
    }
    return found;
  }
  const artifactsOf = (run) => new Map(Object.entries(run.artifacts ?? {}).map(([path, [digest, bytes]]) => [path, `${digest.slice(0, 8)} · ${size(bytes)}`]));

  gittrack.differing = {
    draw,
    drawHeld(runs) {
      drawCard("datasets", "Dataset", "dataset", runs, datasetsOf);
      drawCard("artifacts", "Artifact", "artifact", runs, artifactsOf);
    },
  };
})();
