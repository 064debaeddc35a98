// One chart of metric curves by uPlot: lines with letters at their ends, ghosts, bands, a box at the pointer.
(function () {
  "use strict";
  const { colour, element, number, ticks } = gittrack;
  const FONT = "11px Inter, system-ui, sans-serif";
  const MAX_TIPS = 12;
  const MAX_LETTERS = 8;
  const positive = (values) => values.map((value) => (value !== null && value > 0 ? value : null));

  function axisLook(scale, options) {
    return { scale, font: FONT, stroke: colour("muted"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, ...options };
  }

  class Curves {
    // key: the metric; lines: [{name, letter, dash, colour(), runs: [loaded run]}], several runs make a band.
    constructor(box, key, lines) {
      Object.assign(this, { box, key, lines });
      this.options = { x: "auto", smoothing: 0, log: false, outliers: false, band: "std", zoom: null };
      this.drawn = false;
      // By commit: how the runs ended that fit but have no line, [{start, commit, value}], and what finds them.
      this.others = null;
      this.findOthers = null;
    }

    // What it is drawn over: as chosen, else as an experiment defines it, else steps.
    get x() {
      if (this.options.x !== "auto") return this.options.x;
      return this.lines.flatMap((line) => line.runs).map((run) => run.axes?.[this.key]).find(Boolean) ?? "step";
    }

    set(options) {
      Object.assign(this.options, options);
      if (this.drawn) this.draw();
    }

    // What is drawn, before smoothing: [{line, xs, values, low?, high?}].
    collect() {
      const { band } = this.options;
      if (this.x === "commit") return this.collectByCommit(band);
      return this.lines.map((line) => {
        const curves = line.runs.map((run) => ({ run, curve: gittrack.readCurve(run, this.key) })).filter(({ curve }) => curve)
          .map(({ run, curve }) => gittrack.placeCurve(run, curve, this.x)).filter(({ xs }) => xs.length);
        if (!curves.length) return null;
        return { line, ...(curves.length > 1 && band !== "none" ? gittrack.bandOf(curves, band) : curves.length > 1 ? gittrack.bandOf(curves, "std") : curves[0]), isBand: curves.length > 1 && band !== "none" };
      }).filter(Boolean);
    }

    // How each run ended, at its commit: a point a run, or a line for several, and the mean of all runs of a commit.
    collectByCommit(band) {
      const ended = (run) => { const value = gittrack.toNumber(run.metrics?.[this.key]?.[0]); return Number.isFinite(value) ? value : null; };
      const endings = this.lines.flatMap((line) => line.runs.map((run) => ({ line, start: run.start, commit: run.commit, value: ended(run) }))).filter(({ value }) => value !== null);
      const others = this.others ?? [];
      const commits = gittrack.groupByCommit([...endings, ...others]);
      this.commits = [...commits.keys()];
      const points = [...commits].flatMap(([, items], x) => items.map(({ line, value }) => ({ line, x, value })));
      const merge = (some) => gittrack.gatherBand(some, band === "none" ? "std" : band);
      const own = (line) => points.filter((point) => point.line === line);
      const lines = this.lines.filter((line) => endings.some((ending) => ending.line === line)).map((line) => ({ line, ...merge(own(line)), isBand: line.runs.length > 1 && band !== "none" }));
      if (this.commits.length < 2 || points.length < 2) return lines;
      const mean = { name: "mean of the commit", colour: () => colour("faint"), dash: [2, 3], runs: [] };
      return [{ line: mean, ...merge(points), isBand: others.length > 0 && band !== "none" }, ...lines];
    }

    // Draws once more when the runs without a line have come.
    async addOthers() {
      const find = this.findOthers;
      this.findOthers = null;
      this.box.setAttribute("aria-busy", "true");
      try {
        this.others = await find(this.key);
        if (this.others.length && this.x === "commit") this.draw();
      } catch (error) {
        gittrack.say(error.message);
      } finally {
        this.box.removeAttribute("aria-busy");
      }
    }

    draw() {
      this.drawn = true;
      this.box.dataset.scheme = gittrack.scheme();
      this.plot?.destroy();
      this.plot = null;
      if (this.x === "commit" && this.findOthers) this.addOthers();
      const { smoothing, log } = this.options;
      const tables = [], series = [], bands = [];
      const shape = (values) => { const raw = log ? positive(values) : values; return smoothing > 0 ? gittrack.smoothCurve(raw, smoothing) : raw; };
      for (const { line, xs, values, low, high, isBand } of this.collect()) {
        const raw = log ? positive(values) : values;
        if (!raw.some((value) => value !== null)) continue;
        const single = raw.filter((value) => value !== null).length === 1;
        if (isBand) {
          tables.push([xs, shape(high)], [xs, shape(low)]);
          series.push(...[0, 1].map(() => ({ stroke: "transparent", width: 0, points: { show: false }, ghost: true })));
          const fill = element("i");
          fill.style.color = line.colour();
          bands.push({ series: [series.length - 1, series.length], fill: `color-mix(in srgb, ${line.colour()} 16%, transparent)` });
        } else if (smoothing > 0 && !single) {
          tables.push([xs, raw]);
          series.push({ stroke: line.colour(), width: 1, alpha: 0.22, points: { show: false }, ghost: true });
        }
        tables.push([xs, shape(values)]);
        series.push({ stroke: line.colour(), width: 1.5, dash: line.dash ?? [], label: line.name, letter: line.letter, points: { show: single || (this.x === "commit" && line.runs.length > 0), size: 7, fill: line.colour() } });
      }
      this.box.replaceChildren();
      if (!tables.length) {
        this.box.append(element("p", { class: "note", text: log && this.lines.length ? "no positive values" : "nothing to draw" }));
        return;
      }
      this.plot = new uPlot(this.describe(series, bands), tables.length > 1 ? uPlot.join(tables) : tables[0], this.box);
      this.plot.root.setAttribute("role", "img");
      this.plot.root.setAttribute("aria-label", this.summarise());
      const [xs] = this.plot.data;
      // Left to itself uPlot would show a single point at the left of a hundred steps.
      if (xs.length === 1) this.plot.setScale("x", { min: xs[0] - 1, max: xs[0] + 1 });
      const { zoom } = this.options;
      if (zoom && (zoom.axis ?? this.x) === this.x) this.plot.setScale("x", zoom);
    }

    // The chart in words, for who does not see it; the card's table has the figures.
    summarise() {
      const ends = this.lines.slice(0, 5).map((line) => {
        const last = line.runs.map((run) => gittrack.readCurve(run, this.key)?.values.findLast((value) => value !== null)).find((value) => value !== undefined);
        return last === undefined ? null : `${line.name} ends at ${number(last)}`;
      }).filter(Boolean);
      return `${this.key}: ${ends.join(", ")}${this.lines.length > 5 ? ` and ${this.lines.length - 5} more` : ""}`;
    }

    // How a place on the x axis reads.
    placeText(value) {
      return this.x === "commit" ? `commit ${this.commits[value] ?? ""}` : ticks.placeText(this.x, value);
    }

    // Steps and commits have no place between them.
    describeX() {
      const { x } = this;
      if (x === "time") return {};
      if (x === "commit") {
        const text = (split) => (Number.isInteger(split) ? this.commits[split]?.slice(0, 7) ?? "" : "");
        return { space: 66, incrs: ticks.WHOLE, values: (_, splits) => splits.map(text) };
      }
      const label = x === "relative" ? ticks.shortDuration : ticks.shorten;
      return { ...(x === "step" ? { incrs: ticks.WHOLE } : {}), values: (_, splits) => splits.map(label) };
    }

    describe(series, bands) {
      const { width, height } = this.size();
      const { options: { log, outliers }, x } = this;
      const rangeY = (plot, low, high) => {
        const typical = outliers ? gittrack.typicalRange(plot.data.slice(1)) : null;
        const [from, to] = typical ?? [low, high];
        return log ? ticks.spreadLog(from, to) : ticks.spread(from, to);
      };
      const letters = series.some(({ letter }) => letter);
      return {
        width, height, legend: { show: false }, padding: [8, letters ? 18 : 8, 0, 0], bands,
        scales: {
          x: { time: x === "time", range: (_, low, high) => (low === high ? [low - 1, high + 1] : x === "commit" ? [low - 0.4, high + 0.4] : [low, high]) },
          y: { ...(log ? { distr: 3, log: 10 } : {}), range: rangeY },
        },
        axes: [
          axisLook("x", { size: 26, gap: 6, space: 60, ...this.describeX() }),
          axisLook("y", {
            size: 48, gap: 6, space: 28,
            ...(log ? { splits: ticks.splitLog, filter: (_, splits) => splits, values: ticks.labelPowers } : { values: (_, splits) => splits.map(ticks.shorten) }),
          }),
        ],
        series: [{}, ...series.map((one) => ({ spanGaps: false, ...one }))],
        cursor: { y: false, sync: { key: uPlot.sync(x).key, setSeries: false }, points: { size: (plot, i) => (plot.series[i].ghost ? 0 : 6) }, drag: { x: true, y: false, setScale: false } },
        hooks: {
          setCursor: [(plot) => this.point(plot)],
          setSelect: [(plot) => this.zoomTo(plot)],
          draw: [(plot) => { if (letters) this.drawLetters(plot); }],
          ready: [(plot) => plot.over.addEventListener("dblclick", () => this.zoomed(null))],
          destroy: [() => this.tip?.remove()],
        },
      };
    }

    zoomTo(plot) {
      const { left, width } = plot.select;
      if (width < 5) return;
      plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this.zoomed({ min: plot.posToVal(left, "x"), max: plot.posToVal(left + width, "x") });
    }

    // Zooms every chart of the page; where curves were thinned, the whole ones are fetched.
    zoomed(range) {
      if (this.onzoom) this.onzoom(range); else this.zoom(range);
    }
    async zoom(range) {
      this.options.zoom = range;
      if (!this.plot) return;
      this.draw();
      if (!range) return;
      const whole = await Promise.all(this.lines.flatMap((line) => line.runs.map((run) => gittrack.readFullCurve(run, this.key))));
      if (whole.some(Boolean)) this.draw();
    }

    // A run's letter at the end of its line: a second sign beside the colour.
    drawLetters(plot) {
      const named = plot.series.map((one, i) => ({ one, i })).filter(({ one }) => one.letter);
      if (named.length > MAX_LETTERS) return;
      const { ctx, bbox } = plot;
      const ratio = devicePixelRatio || 1;
      ctx.save();
      ctx.font = `600 ${10 * ratio}px Inter, system-ui, sans-serif`;
      ctx.textBaseline = "middle";
      const ends = [];
      for (const { one, i } of named) {
        const values = plot.data[i], xs = plot.data[0], max = plot.scales.x.max;
        let last = values.length - 1;
        while (last >= 0 && (values[last] === null || values[last] === undefined || xs[last] > max)) last--;
        const y = last < 0 ? NaN : plot.valToPos(values[last], "y", true);
        if (y >= bbox.top && y <= bbox.top + bbox.height) ends.push({ one, i, y, x: Math.min(plot.valToPos(xs[last], "x", true), bbox.left + bbox.width) });
      }
      spreadOut(ends, 11 * ratio, bbox.top, bbox.top + bbox.height);
      for (const { one, i, x, y } of ends) {
        ctx.fillStyle = one.stroke(plot, i);
        ctx.fillText(one.letter, x + 5 * ratio, y);
      }
      ctx.restore();
    }

    size() {
      return { width: Math.max(120, this.box.clientWidth), height: Math.max(120, this.box.clientHeight) };
    }

    resize() {
      if (this.plot && this.box.clientWidth > 0) this.plot.setSize(this.size());
    }

    // The values under the pointer, in the chart it is over only.
    point(plot) {
      const { idx, left } = plot.cursor;
      if (idx === null || idx === undefined || left < 0 || !plot.over.matches(":hover")) {
        this.tip?.remove();
        this.tip = null;
        return;
      }
      const rows = plot.series.slice(1).map((line, i) => ({ line, value: nearest(plot.data[i + 1], idx) }))
        .filter(({ line, value }) => !line.ghost && value !== null && value !== undefined)
        .sort((a, b) => b.value - a.value);
      if (!this.tip) {
        this.tip = element("div", { class: "tip" });
        this.box.append(this.tip);
      }
      this.tip.replaceChildren(element("b", { text: this.placeText(plot.data[0][idx]) }), ...rows.slice(0, MAX_TIPS).map(({ line, value }) => {
        const mark = element("i", { class: "swatch", text: line.letter ?? "" });
        mark.style.background = line.stroke();
        return element("div", {}, mark, element("span", { text: line.label }), element("em", { text: number(value) }));
      }), rows.length > MAX_TIPS ? element("div", { class: "more", text: `and ${rows.length - MAX_TIPS} more` }) : "");
      this.tip.hidden = rows.length === 0;
      const room = this.box.clientWidth, wide = this.tip.offsetWidth;
      const at = plot.over.offsetLeft + left;
      this.tip.style.left = `${at + 14 + wide > room ? Math.max(0, at - wide - 14) : at + 14}px`;
      this.tip.style.top = "8px";
    }
  }

  // Moves labels apart, each as little as its neighbours allow, within a range.
  function spreadOut(labels, gap, top, bottom) {
    labels.sort((a, b) => a.y - b.y);
    const middle = labels.reduce((sum, { y }) => sum + y, 0) / labels.length;
    for (let i = 1; i < labels.length; i++) labels[i].y = Math.max(labels[i].y, labels[i - 1].y + gap);
    const moved = labels.reduce((sum, { y }) => sum + y, 0) / labels.length - middle;
    const shift = Math.min(Math.max(moved, (labels.at(-1)?.y ?? 0) - bottom), Math.max(0, (labels[0]?.y ?? 0) - top));
    for (const label of labels) label.y -= shift;
  }

  // Curves logged at different places have no value at each other's: the closest within a few counts.
  function nearest(values, at) {
    for (let off = 0; off < 4; off++) {
      for (const i of [at - off, at + off]) if (values[i] !== null && values[i] !== undefined) return values[i];
    }
    return null;
  }

  gittrack.Curves = Curves;
})();
