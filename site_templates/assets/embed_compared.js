// A table of compared runs alone: #table=metrics&runs=ID,ID&value=best, or #table=params&runs=ID,ID&all=1.
(function () {
  "use strict";
  const { address, byId, tables } = gittrack;
  const MAX_RUNS = 20;
  const params = address.read();
  const ids = [...new Set(address.ids(params.get("runs")))].slice(0, MAX_RUNS);
  const isMetrics = params.get("table") === "metrics";
  const which = ["best", "min", "max"].includes(params.get("value")) ? params.get("value") : "last";

  gittrack.findIndex().then(async (index) => {
    const runs = gittrack.assignMarks(await gittrack.loadRuns(await Promise.all(ids.map((id) => index.find(id)))));
    const table = document.querySelector("#compared table");
    table.id = isMetrics ? "final" : "params";
    const hint = isMetrics ? tables.drawMetrics(table, runs, index, which) : tables.drawParams(table, runs, params.get("all") !== "1");
    const lost = ids.length - runs.length;
    byId("count").textContent = `${isMetrics && which !== "last" ? `${which}, ` : ""}${hint}${lost ? `; ${gittrack.plural(lost, "run")} not in this site` : ""}`;
    byId("source").href = address.compare(ids);
    performance.mark("gittrack-ready");
  }).catch((error) => gittrack.say(error.message));
})();
