// One chart of curves alone: #chart=KEY&runs=ID,ID.
(function () {
  "use strict";
  const { address, byId, element, markColour, markDash, swatch } = gittrack;
  const params = address.read();
  const key = params.get("chart") ?? "";
  const ids = address.ids(params.get("runs")).slice(0, 20);

  gittrack.findIndex().then(async (index) => {
    const runs = gittrack.assignMarks(await gittrack.loadRuns(await Promise.all(ids.map((id) => index.find(id)))));
    const lines = runs.filter((run) => run.curves[key]).map((run) => ({ name: run.name, letter: run.mark.letter, dash: markDash(run), colour: () => markColour(run), runs: [run] }));
    const gallery = new gittrack.Gallery();
    const box = element("div", { class: "plot" });
    const curves = new gittrack.Curves(box, key, lines);
    curves.set(gittrack.curveOptions.read(params));
    byId("chart").replaceChildren(gittrack.drawCurveCard(key, curves));
    gallery.add(box, curves);
    byId("chips").replaceChildren(...runs.map((run) => element("li", { class: "chip" }, swatch(run), element("a", { href: address.page(run.id, run.slug), text: run.name, target: "_top" }))));
    performance.mark("gittrack-ready");
  }).catch((error) => gittrack.say(error.message));
})();
