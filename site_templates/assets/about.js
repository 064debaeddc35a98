// What the manifest knows: figures that change with every run, which the page itself need not.
(function () {
  "use strict";
  const { byId, element, openManifest, plural, size } = gittrack;
  const facts = byId("facts");
  openManifest().then((manifest) => {
    const rows = [
      ["Holds", `${plural(manifest.runs, "run")} in ${plural(manifest.experiments.length, "experiment")}`],
      ["Built at commit", manifest.head ?? "nothing committed yet"],
      ["Columns", `${manifest.columns.length} metrics, parameters and tags`],
      ["Artifacts", `${plural(manifest.artifacts[0], "content")}, ${size(manifest.artifacts[1])}, of which the site holds previews`],
      ["Index", plural(manifest.segments.length, "segment")],
    ];
    facts.replaceChildren(...rows.map(([title, text]) => element("div", {}, element("dt", { text: title }), element("dd", { text }))));
  }).catch((error) => gittrack.say(error.message));
})();
