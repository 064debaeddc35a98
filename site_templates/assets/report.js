// A report: its charts drawn from the data that came with it, in place of the still pictures.
(function () {
  "use strict";
  const { element, load, markColour, markDash, vega } = gittrack;
  const { key, file } = document.currentScript.dataset;
  const gallery = new gittrack.Gallery();

  function drawCurves(card, { key: metric, state, runs }) {
    const lines = runs.map((run) => ({ name: run.name, letter: run.mark.letter, dash: markDash(run), colour: () => markColour(run), runs: [run] }));
    const box = card.querySelector(".plot");
    const curves = new gittrack.Curves(box, metric, lines);
    curves.set(gittrack.curveOptions.read(new URLSearchParams(state)));
    gallery.add(box, curves);
    gittrack.wireCurveCard(card, curves);
  }

  const toTable = (data) => () => {
    const rows = data.datasets.runs ?? data.datasets.bars;
    const heads = [data.names.$x, data.names.$y];
    return data.datasets.runs ? { heads: ["run", ...heads], rows: rows.map((one) => [one.name, one.x, one.y]) } : { heads: [...heads, "runs"], rows: rows.map((one) => [one.x, one.y, one.n]) };
  };

  async function drawVega(card, data) {
    const templates = await vega.open();
    const box = card.querySelector(".vega-box");
    const spec = vega.withData(vega.fill(templates[data.template], data.names), data.datasets);
    // There is one kind of points: no legend, no choice of colours.
    for (const { encoding } of spec.layer ?? []) if (encoding.color?.field === "c") encoding.color = { value: gittrack.colour("accent") };
    await vega.embed(box, spec, ({ page }) => gittrack.address.go(page));
    if (card.querySelector(".card-menu")) return;
    const title = card.querySelector("b").textContent;
    const menu = element("button", { type: "button", class: "card-menu", "aria-label": `Chart ${title}`, "aria-haspopup": "menu", "aria-expanded": "false", text: "⋯" });
    menu.addEventListener("click", () => gittrack.openMenu(menu, vega.entries(box, title, toTable(data))));
    card.querySelector(".card-bar").append(menu);
  }

  async function draw(charts, kinds) {
    for (const card of document.querySelectorAll("[data-chart]")) {
      const data = charts[card.dataset.chart];
      if (data && kinds.includes(data.kind)) await (data.kind === "curves" ? drawCurves(card, data) : drawVega(card, data));
    }
  }

  load(key, file).then(async (charts) => {
    await draw(charts, ["curves"]);
    gallery.idle();
    await draw(charts, ["vega"]);
    document.addEventListener("gittrack-theme", () => { draw(charts, ["vega"]).catch((error) => gittrack.say(error.message)); });
    performance.mark("gittrack-ready");
  }).catch((error) => gittrack.say(error.message));
})();
