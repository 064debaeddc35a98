// What a column of the runs table is: its title, its cells, how they read and how they sort.
(function () {
  "use strict";
  const { ago, asNumber, duration, number, time } = gittrack;
  const NUMBER_CHARACTERS = 8; // 0.005123: four digits, wherever the first one is
  const GROUPED = 172; // 0.912 ± 0.004 n=5
  const VALUES = { m: "", l: " min", h: " max" };

  class Fields {
    constructor(index) {
      this.index = index;
      this.ranks = new Map();
      const moment = { newest: true, text: (cell) => ago(cell), tip: (cell) => `${time(cell)} UTC`, export: (cell) => new Date(cell).toISOString() };
      this.attributes = new Map(Object.entries({
        "a:start": { title: "Started", width: 108, cells: () => index.starts, ...moment },
        "a:status": { title: "Status", width: 96, cells: () => index.statuses, text: (cell) => cell[0] + cell.slice(1).toLowerCase(), export: String },
        "a:duration": { title: "Duration", width: 104, numeric: true, average: true, cells: () => this.durations(), text: duration },
        "a:user": { title: "Author", width: 110, cells: () => index.users },
        "a:experiment": { title: "Experiment", width: 140, cells: () => this.experimentNames() },
        "a:end": { title: "Ended", width: 108, cells: () => index.ends, ...moment },
        "a:commit": { title: "Commit", width: 112, cells: () => index.commits },
        "a:id": { title: "Run id", width: 150, cells: () => index.ids },
      }));
    }

    durations() {
      this.spent ??= this.index.ends.map((end, row) => (end === null ? null : (end - this.index.starts[row]) / 1000));
      return this.spent;
    }

    experimentNames() {
      this.experiments ??= this.index.experiment.map((id) => this.index.experiments.get(id) ?? id);
      return this.experiments;
    }

    has(name) {
      return name === "name" || this.attributes.has(name) || this.index.has(name);
    }

    title(name) {
      if (name === "name") return "Run";
      return this.attributes.get(name)?.title ?? name.slice(2) + (VALUES[name[0]] ?? "");
    }

    cells(name) {
      if (name === "name") return this.index.names;
      return this.attributes.get(name)?.cells() ?? this.index.cells(name);
    }

    // Everything the table needs to draw the column.
    describe(name, width, grouped) {
      const attribute = this.attributes.get(name);
      if (attribute) return { name, text: String, ...attribute, width: width ?? attribute.width };
      const { kind, key, numeric, lower } = this.index.columns.get(name);
      const cells = this.index.cells(name);
      const text = (cell) => (numeric && typeof cell === "number" ? number(cell) : String(cell));
      const longest = this.index.sample(name).reduce((most, cell) => Math.max(most, cell === null ? 0 : text(cell).length), numeric ? NUMBER_CHARACTERS : 0);
      const title = this.title(name);
      const isMetric = kind in VALUES;
      const fitting = Math.min(240, Math.max(grouped && isMetric ? GROUPED : 86, title.length * 7.2 + 52, longest * 8.2 + 26));
      return { name, title, width: width ?? fitting, numeric, lower, average: isMetric, cells: () => cells, text, bar: isMetric ? this.index.range(name) : null };
    }

    isNumeric(name) {
      if (name === "name") return false;
      if (this.attributes.has(name)) return this.cells(name).every((cell) => cell === null || typeof cell === "number");
      return this.index.columns.get(name).numeric;
    }

    // Numbers to sort by; texts get their rank, so that sorting compares numbers only.
    sortValues(name) {
      if (!this.ranks.has(name)) {
        const cells = this.cells(name);
        if (this.isNumeric(name)) this.ranks.set(name, Float64Array.from(cells, asNumber));
        else {
          const order = new Map([...new Set(cells)].filter((cell) => cell !== null).map(String).sort().map((cell, i) => [cell, i]));
          this.ranks.set(name, Float64Array.from(cells, (cell) => (cell === null ? NaN : order.get(String(cell)))));
        }
      }
      return this.ranks.get(name);
    }

    // Whether sorting begins with the largest: the newest, and the best of what is better when higher.
    descendsFirst(name) {
      if (name === "a:start" || name === "a:end") return true;
      const column = this.index.columns.get(name);
      return column !== undefined && "mlh".includes(column.kind) && !column.lower;
    }

    // The cells of a key of the search language; null where no run has it.
    cellsOfKey(key) {
      if (key.kind === "c") return this.index.commits;
      if (key.kind === "d") return this.index.factsOfDatasets(key.name);
      if (key.kind !== "a") {
        const name = `${key.kind}:${key.name}`;
        return this.index.has(name) ? this.index.cells(name) : null;
      }
      switch (key.name) {
        case "name": return this.index.names;
        case "experiment": return this.experimentNames();
        case "experiment_id": return this.index.experiment;
        case "parent": return this.index.parents;
        default: return this.attributes.get(`a:${key.name}`).cells();
      }
    }
  }

  gittrack.Fields = Fields;
})();
