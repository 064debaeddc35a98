// One chart or one table alone, for other pages to frame: what each is drawn with is loaded when it is asked for.
(function () {
  "use strict";
  const { address, byId } = gittrack;
  const { chart, table } = document.currentScript.dataset;
  const isChart = address.read().has("chart");

  byId(isChart ? "chart" : "table").hidden = false;
  byId("chips").hidden = !isChart;
  Promise.all((isChart ? chart : table).split(" ").map(gittrack.script)).catch((error) => gittrack.say(error.message));
  addEventListener("hashchange", () => location.reload());
})();
