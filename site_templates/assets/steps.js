// Where a sequence of values changes its level: binary segmentation on ranks, each cut tested.
(function () {
  "use strict";
  const LEAST = 5;
  const CHANCE = 0.0005;
  const MOST = 12;

  function ranks(values) {
    const order = [...values.keys()].sort((a, b) => values[a] - values[b]);
    const out = new Array(values.length);
    order.forEach((i, rank) => { out[i] = rank; });
    return out;
  }

  // The place that parts [from, to) best, by the squares it explains; null where there is no room.
  function bestCut(values, from, to) {
    const count = to - from;
    if (count < 2 * LEAST) return null;
    let total = 0;
    for (let i = from; i < to; i++) total += values[i];
    let left = 0, best = -1, at = null;
    for (let i = from; i < to; i++) {
      left += values[i];
      const n = i + 1 - from;
      if (n < LEAST || count - n < LEAST) continue;
      const gain = left ** 2 / n + (total - left) ** 2 / (count - n);
      if (gain > best) { best = gain; at = i + 1; }
    }
    return at;
  }

  // Places at which a new level begins, in order. Ranks, so that a run that diverged is no level of its own.
  gittrack.findSteps = (values) => {
    const ranked = ranks(values);
    const found = [];
    const search = (from, to) => {
      const at = bestCut(ranked, from, to);
      if (at === null || found.length >= MOST) return;
      const p = gittrack.welch(ranked.slice(from, at), ranked.slice(at, to));
      if (p === null || p >= CHANCE) return;
      found.push(at);
      search(from, at);
      search(at, to);
    };
    search(0, values.length);
    return found.sort((a, b) => a - b);
  };
})();
