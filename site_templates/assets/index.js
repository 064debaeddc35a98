// The index of all runs: segments of columns, loaded when needed, decoded when used.
//
// A column's name is a letter and a key: m: p: t: for the last value of a metric, a param and a tag,
// l: and h: for the lowest and highest value of a metric, a: for what every run has.
(function () {
  "use strict";
  const { bucketOf, load, openManifest, toNumber } = gittrack;
  const NUMERIC = 1, VARIES = 2, LOWER = 4, SYSTEM = 8, SEED = 16;
  const SAMPLE = 60;
  const STATUSES = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

  function decode(coded) {
    return coded.n ? coded.n : coded.c.map((code) => (code < 0 ? null : coded.d[code]));
  }

  function asNumber(cell) {
    if (cell === null || cell === undefined || cell === "") return NaN;
    return typeof cell === "number" ? cell : Number(cell);
  }

  function readColumns(manifest) {
    const columns = new Map();
    for (const [name, group, flags] of manifest.columns) {
      const column = {
        name, group, kind: name[0], key: name.slice(2), numeric: (flags & NUMERIC) > 0, varies: (flags & VARIES) > 0,
        lower: (flags & LOWER) > 0, system: (flags & SYSTEM) > 0, seed: (flags & SEED) > 0,
      };
      columns.set(name, column);
      if (column.kind === "m") {
        for (const kind of ["l", "h"]) {
          const extreme = `${kind}:${column.key}`;
          columns.set(extreme, { ...column, name: extreme, kind, group: 1 + bucketOf(extreme, manifest.groups) });
        }
      }
    }
    return columns;
  }

  class Index {
    constructor(manifest, columns = readColumns(manifest)) {
      this.manifest = manifest;
      this.experiments = new Map(manifest.experiments);
      this.columns = columns;
      this.isWhole = true;
      this.size = 0;
      this.parts = [];
      this.cache = new Map();
      this.groups = new Set();
    }

    segment(number, group) {
      const path = this.manifest.segments[number][group];
      return path ? load(`index/${number}/${group}`, path) : Promise.resolve(null);
    }

    // Loads what the table begins with: every segment's first group.
    open() {
      this.opened ??= this.load();
      return this.opened;
    }

    async load() {
      return this.fill(await Promise.all(this.manifest.segments.map((_, number) => this.segment(number, 0))));
    }

    // An index of the newest runs alone, in the order the table begins with; null where the manifest has none.
    get newest() {
      if (this.newestMade === undefined) {
        const { newest } = this.manifest;
        this.newestMade = !newest || !this.isWhole ? null : new Index(this.manifest, this.columns).fill([newest]);
        if (this.newestMade) this.newestMade.isWhole = false;
      }
      return this.newestMade;
    }

    fill(parts) {
      this.parts = parts;
      this.groups.add(0);
      const all = (key) => [].concat(...this.parts.map((part) => part[key] ?? []));
      const coded = (key) => [].concat(...this.parts.map((part) => (part[key] ? decode(part[key]) : new Array(part.id.length).fill(null))));
      this.size = this.parts.reduce((sum, part) => sum + part.id.length, 0);
      this.ids = all("id");
      this.names = all("name");
      this.statuses = all("status").map((code) => STATUSES[code]);
      this.starts = all("start");
      this.ends = all("end");
      this.files = all("file");
      this.sparks = all("spark");
      this.experiment = coded("experiment");
      this.users = coded("user");
      this.commits = coded("commit");
      this.parents = coded("parent");
      this.datasets = coded("datasets");
      this.slugs = [].concat(...this.parts.map((part) => part.id.map((_, i) => part.slug[i] || null)));
      this.rowOf = new Map(this.ids.map((id, row) => [id, row]));
      return this;
    }

    // Loads the groups that hold these columns.
    async ensure(names) {
      const wanted = new Set();
      for (const name of names) {
        const column = this.columns.get(name);
        if (column && !this.groups.has(column.group)) wanted.add(column.group);
      }
      await Promise.all([...wanted].map(async (group) => {
        const parts = await Promise.all(this.manifest.segments.map((_, number) => this.segment(number, group)));
        parts.forEach((part, i) => { if (part) Object.assign(this.parts[i].columns, part.columns); });
        this.groups.add(group);
      }));
    }

    // Of each run the names, digests or contexts of the datasets it read; null where there are none.
    factsOfDatasets(fact) {
      const place = ["name", "digest", "context"].indexOf(fact);
      return this.datasets.map((coded) => {
        const facts = coded === null ? [] : JSON.parse(coded).map((one) => one[place]).filter((one) => one !== null);
        return facts.length ? facts : null;
      });
    }

    has(name) {
      return this.columns.has(name);
    }

    ready(name) {
      return !this.columns.has(name) || this.groups.has(this.columns.get(name).group);
    }

    // The cells of one column, one a run: a number, a text or null.
    cells(name) {
      if (!this.cache.has(name)) {
        const kind = name[0];
        const cells = [];
        // An extreme that is the last value is not written twice.
        const fallback = kind === "l" || kind === "h" ? this.cells(`m:${name.slice(2)}`) : null;
        for (const part of this.parts) {
          const coded = part.columns[name];
          const found = coded ? decode(coded) : new Array(part.id.length).fill(null);
          for (const cell of found) cells.push("mlh".includes(kind) && cell !== null ? toNumber(cell) : cell ?? fallback?.[cells.length] ?? null);
        }
        this.cache.set(name, cells);
      }
      return this.cache.get(name);
    }

    // The same as numbers; NaN where there is none.
    numbers(name) {
      const key = `#${name}`;
      if (!this.cache.has(key)) this.cache.set(key, Float64Array.from(this.cells(name), asNumber));
      return this.cache.get(key);
    }

    // Some cells to judge a column's width by: the same before and after all runs have come.
    sample(name) {
      const { newest } = this;
      return (newest?.ready(name) ? newest : this).cells(name).slice(0, SAMPLE);
    }

    // Smallest and largest finite value that any run of the site has.
    range(name) {
      const known = this.manifest.newest?.ranges[name];
      if (known) return known;
      const key = `~${name}`;
      if (!this.cache.has(key)) {
        let low = Infinity, high = -Infinity;
        for (const cell of this.numbers(name)) {
          if (Number.isFinite(cell)) {
            if (cell < low) low = cell;
            if (cell > high) high = cell;
          }
        }
        this.cache.set(key, [low, high]);
      }
      return this.cache.get(key);
    }

    // The column that holds what is best of a metric.
    best(key) {
      return `${this.columns.get(`m:${key}`)?.lower ? "l" : "h"}:${key}`;
    }

    // What is known of one run, without loading more than its segment; null when there is none.
    async find(id) {
      const part = await this.segment(bucketOf(id, this.manifest.segments.length), 0);
      const row = part ? part.id.indexOf(id) : -1;
      if (row < 0) return null;
      return {
        id, name: part.name[row], file: part.file[row], slug: part.slug[row] || null, status: STATUSES[part.status[row]],
        start: part.start[row], experiment: decode(part.experiment)[row], commit: part.commit ? decode(part.commit)[row] : null,
      };
    }

    // The same for a row of the whole index.
    describe(row) {
      return {
        id: this.ids[row], name: this.names[row], file: this.files[row], slug: this.slugs[row], status: this.statuses[row],
        start: this.starts[row], experiment: this.experiment[row], commit: this.commits[row],
      };
    }

    // Rows by a metric, the best first; those without it are left out.
    rank(key) {
      const values = this.numbers(`m:${key}`);
      const sign = this.columns.get(`m:${key}`)?.lower ? 1 : -1;
      return [...this.ids.keys()].filter((row) => Number.isFinite(values[row])).sort((a, b) => sign * (values[a] - values[b]));
    }
  }

  let index = null;
  gittrack.asNumber = asNumber;
  // The index with nothing loaded yet.
  gittrack.findIndex = async () => {
    const manifest = await openManifest();
    index ??= new Index(manifest);
    return index;
  };
  // The newest runs, where there are more: what the runs page begins with.
  gittrack.openNewest = async () => {
    const whole = await gittrack.findIndex();
    return whole.newest ?? whole.open();
  };
  // The index with what all tables show first.
  gittrack.openIndex = async () => (await gittrack.findIndex()).open();
})();
