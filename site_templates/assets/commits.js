// Runs by the commit of their code, in the order in which the commits were first run.
(function () {
  "use strict";
  const UNKNOWN = "unknown";

  // items: [{start, commit}], in any order; returns commit → its items.
  gittrack.groupByCommit = (items) => {
    const found = new Map();
    for (const item of [...items].sort((a, b) => a.start - b.start)) {
      const commit = item.commit ?? UNKNOWN;
      if (found.has(commit)) found.get(commit).push(item); else found.set(commit, [item]);
    }
    return found;
  };
})();
