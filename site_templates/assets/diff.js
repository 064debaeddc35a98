// Two texts line by line: what was taken out, what was put in, and a few lines around it.
(function () {
  "use strict";
  const CONTEXT = 3;
  const MOST_EDITS = 1500;

  // Source: E. Myers, An O(ND) Difference Algorithm and Its Variations, 1986. Null if they have too little in common.
  function edits(a, b) {
    const most = Math.min(a.length + b.length, MOST_EDITS);
    const trace = [];
    let best = new Map([[1, 0]]);
    for (let d = 0; d <= most; d++) {
      const next = new Map();
      trace.push(best);
      for (let k = -d; k <= d; k += 2) {
        const down = k === -d || (k !== d && (best.get(k - 1) ?? -1) < (best.get(k + 1) ?? -1));
        let x = down ? best.get(k + 1) ?? 0 : (best.get(k - 1) ?? 0) + 1;
        let y = x - k;
        while (x < a.length && y < b.length && a[x] === b[y]) { x++; y++; }
        next.set(k, x);
        if (x >= a.length && y >= b.length) return back(a, b, trace);
      }
      best = next;
    }
    return null;
  }

  function back(a, b, trace) {
    const found = [];
    let x = a.length, y = b.length;
    for (let d = trace.length - 1; d >= 0; d--) {
      const best = trace[d];
      const k = x - y;
      const down = k === -d || (k !== d && (best.get(k - 1) ?? -1) < (best.get(k + 1) ?? -1));
      const from = d === 0 ? 0 : down ? best.get(k + 1) ?? 0 : best.get(k - 1) ?? 0;
      const fromY = d === 0 ? 0 : from - (down ? k + 1 : k - 1);
      const [startX, startY] = d === 0 ? [0, 0] : down ? [from, fromY + 1] : [from + 1, fromY];
      while (x > startX && y > startY) found.push(["", a[--x]], (y--, null));
      if (d > 0) found.push(down ? ["add", b[--y]] : ["del", a[--x]]);
    }
    return found.filter(Boolean).reverse();
  }

  const lines = (text) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

  // Rows of [kind, text, line in the text it is from], with hunks' heads as rows of the kind "at".
  function compare(old, now) {
    const a = lines(old), b = lines(now);
    const all = edits(a, b) ?? [...a.map((line) => ["del", line]), ...b.map((line) => ["add", line])];
    const near = new Set();
    all.forEach(([kind], i) => { if (kind) for (let j = i - CONTEXT; j <= i + CONTEXT; j++) near.add(j); });
    const rows = [];
    let left = 0, right = 0, last = -2;
    all.forEach(([kind, text], i) => {
      if (kind !== "add") left++;
      if (kind !== "del") right++;
      if (!near.has(i)) return;
      if (i !== last + 1) rows.push(["at", `@@ -${Math.max(left, 1)} +${Math.max(right, 1)} @@`]);
      rows.push([kind, text, (kind === "del" ? left : right) - 1]);
      last = i;
    });
    return rows;
  }

  gittrack.diff = { compare };
})();
