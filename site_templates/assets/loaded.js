// Whole runs: what the index knows of them, and their data; which of them differ in their seed only.
(function () {
  "use strict";
  const { load } = gittrack;

  // Runs of the index with their curves, in this order; those that are not there are left out.
  gittrack.loadRuns = async (found) => {
    const known = found.filter((run) => run !== null);
    const data = await Promise.all(known.map((run) => load(`run/${run.id}`, run.file)));
    return known.map((run, i) => ({ ...data[i], ...run }));
  };

  // Runs with equal params besides the seed, in the order of their first; those without params are not known to be alike.
  gittrack.groupBySetting = (runs, index) => {
    const groups = new Map();
    for (const run of runs) {
      const params = Object.entries(run.params);
      const key = params.length ? JSON.stringify(params.filter(([name]) => !index.columns.get(`p:${name}`)?.seed)) : run.id;
      if (groups.has(key)) groups.get(key).push(run); else groups.set(key, [run]);
    }
    return [...groups.values()];
  };
})();
