// One chart or one table alone, for other pages to frame: what each is drawn with is loaded when it is asked for.
(function () {
  "use strict";
  const { address, byId } = gittrack;
  const { chart, runs, compared } = document.currentScript.dataset;
  const params = address.read();
  const isChart = params.has("chart"), isCompared = ["metrics", "params"].includes(params.get("table"));

  byId(isChart ? "chart" : isCompared ? "compared" : "table").hidden = false;
  byId("chips").hidden = !isChart;
  byId("foot").hidden = isChart;
  Promise.all((isChart ? chart : isCompared ? compared : runs).split(" ").map(gittrack.script)).catch((error) => gittrack.say(error.message));
  addEventListener("hashchange", () => location.reload());
})();
