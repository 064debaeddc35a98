// One run's page: curves instead of the still pictures, tabs that follow, the basket, the runs beside it.
(function () {
  "use strict";
  const { address, basket, bind, byId, colour, load } = gittrack;
  const { id, file } = document.currentScript.dataset;
  const data = { id, start: Number(byId("add").dataset.start) };

  function drawCurves() {
    if (!gittrack.Gallery) return;
    const gallery = new gittrack.Gallery();
    const options = gittrack.curveOptions.read(new URLSearchParams());
    load(`run/${id}`, file).then((run) => {
      Object.assign(data, run);
      for (const card of document.querySelectorAll(".chart")) {
        const key = card.dataset.key;
        if (!run.curves[key]) continue;
        const box = card.querySelector(".plot");
        const curves = new gittrack.Curves(box, key, [{ name: run.name, colour: () => colour("accent"), runs: [data] }]);
        gallery.add(box, curves);
        gittrack.wireCurveCard(card, curves, { embed: () => gittrack.embedAddress({ chart: key, runs: address.join([id]) }) });
      }
      gittrack.curveOptions.wire(options, gallery, Object.keys(run.curves), () => {}, { defined: Boolean(run.axes) });
      gallery.idle();
      for (const section of document.querySelectorAll("details.section")) section.addEventListener("toggle", () => gallery.idle());
    }).catch((error) => gittrack.say(error.message));
  }

  function drawBasket() {
    const ids = basket.read();
    const inside = ids.includes(id);
    byId("add").textContent = inside ? "Remove from compare" : "Add to compare";
    byId("open-compare").hidden = ids.length === 0;
    byId("open-compare").href = address.compare(ids);
    byId("open-compare").querySelector("span").textContent = `Compare ${gittrack.plural(ids.length, "run")}`;
    byId("nav-compare").href = address.compare(ids);
  }
  byId("add").addEventListener("click", () => {
    const ids = basket.read();
    basket.write(ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]);
    drawBasket();
  });

  // The run of this experiment that was started after this one, or before it.
  async function step(by) {
    const index = await gittrack.openIndex();
    const here = index.rowOf.get(id);
    const rows = [...index.ids.keys()].filter((row) => index.experiment[row] === index.experiment[here]).sort((a, b) => index.starts[a] - index.starts[b] || (index.ids[a] < index.ids[b] ? -1 : 1));
    const to = rows[rows.indexOf(here) + by];
    if (to === undefined) gittrack.say(by > 0 ? "This is the newest run of its experiment." : "This is the first run of its experiment.");
    else location.href = address.page(index.ids[to], index.slugs[to]);
  }
  const go = (by) => () => step(by).catch((error) => gittrack.say(error.message));
  byId("before").addEventListener("click", go(-1));
  byId("after").addEventListener("click", go(1));
  bind("k", "Run before", go(-1));
  bind("j", "Next run", go(1));
  bind("x", "Put aside for comparing", () => byId("add").click());
  bind("c", "Compare what is put aside", () => { location.href = byId("nav-compare").href; });

  const tabs = [...document.querySelectorAll(".tabs a")];
  function markTab(chosen) {
    const wanted = chosen ?? tabs.find((tab) => tab.hash === location.hash) ?? tabs[0];
    for (const tab of tabs) {
      if (tab === wanted) tab.setAttribute("aria-current", "true"); else tab.removeAttribute("aria-current");
    }
  }
  for (const time of document.querySelectorAll("time[data-time]")) time.title = gittrack.ago(Number(time.dataset.time));
  for (const tab of tabs) tab.addEventListener("click", () => setTimeout(() => markTab(tab)));
  addEventListener("hashchange", () => markTab());
  markTab();
  drawBasket();
  drawCurves();
})();
