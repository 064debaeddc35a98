// The rows of the table: what fits the query, sorted, grouped, or as a tree of nested runs.
//
// An item is a run's row number, a run with its depth in the tree, or a group of rows.
(function () {
  "use strict";

  // Text of the query → test of a row. Raises what the parser raises.
  function parse(text, index) {
    const has = (kind, name) => index.has(`${kind}:${name}`);
    return gittrack.query.parse(text, has, (name) => index.columns.get(`m:${name}`)?.lower ?? false);
  }

  function filter(tree, experiment, index, fields) {
    const test = gittrack.query.compile(tree, (key) => fields.cellsOfKey(key), index.names);
    const rows = [];
    for (let row = 0; row < index.size; row++) {
      if ((!experiment || index.experiment[row] === experiment) && test(row)) rows.push(row);
    }
    return Int32Array.from(rows);
  }

  // By several keys; what is missing comes last, ties newest first.
  function comparer(keys, index) {
    const starts = index.starts, ids = index.ids;
    return (a, b) => {
      for (const { values, sign } of keys) {
        const left = values[a], right = values[b];
        if (left === right) continue;
        if (left !== left) {
          if (right !== right) continue;
          return 1;
        }
        if (right !== right) return -1;
        return left < right ? -sign : sign;
      }
      return starts[b] - starts[a] || (ids[a] < ids[b] ? -1 : 1);
    };
  }

  const sortKeys = (sort, fields) => sort.map(({ name, descending }) => ({ values: fields.sortValues(name), sign: descending ? -1 : 1 }));

  class Group {
    constructor(key, rows, index) {
      Object.assign(this, { key, rows, index });
      this.spreads = new Map();
    }

    // Of a column of numbers: {mean, std, count}, null where no member has one.
    spread(name, fields) {
      if (!this.spreads.has(name)) {
        const numbers = fields.sortValues(name);
        this.spreads.set(name, gittrack.measure(this.rows.map((row) => numbers[row]).filter((value) => value === value)));
      }
      return this.spreads.get(name);
    }

    // The one value all members share, undefined where they differ.
    shared(cells) {
      const first = cells[this.rows[0]];
      return this.rows.every((row) => cells[row] === first) ? first : undefined;
    }
  }

  // The params that tell settings apart: all but seeds and those that never vary.
  const settings = (index) => [...index.columns.values()].filter((column) => column.kind === "p" && column.varies && !column.seed).map(({ name }) => name);

  function group(rows, names, index, fields) {
    const columns = names.map((name) => fields.cells(name));
    const found = new Map();
    for (const row of rows) {
      const key = JSON.stringify(columns.map((cells) => cells[row]));
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(row);
    }
    return [...found].map(([key, members]) => new Group(key, members, index));
  }

  function sortGroups(groups, sort, fields, compare) {
    const keys = sort.map(({ name, descending }) => ({ name, sign: descending ? -1 : 1, numeric: fields.isNumeric(name) && !name.startsWith("a:start") && !name.startsWith("a:end") }));
    const valueOf = (one, { name, numeric }) => (numeric ? one.spread(name, fields)?.mean ?? NaN : fields.sortValues(name)[one.rows[0]]);
    return groups.sort((a, b) => {
      for (const key of keys) {
        const left = valueOf(a, key), right = valueOf(b, key);
        if (left === right || (left !== left && right !== right)) continue;
        if (left !== left) return 1;
        if (right !== right) return -1;
        return left < right ? -key.sign : key.sign;
      }
      return compare(a.rows[0], b.rows[0]);
    });
  }

  // Runs below the run they are nested in, as far as that one fits the query too.
  function tree(rows, index, closed) {
    const here = new Set(rows);
    const below = new Map();
    const roots = [];
    for (const row of rows) {
      const parent = index.rowOf.get(index.parents[row]);
      if (parent === undefined || parent === row || !here.has(parent)) roots.push(row);
      else if (below.has(parent)) below.get(parent).push(row);
      else below.set(parent, [row]);
    }
    const items = [];
    const seen = new Set();
    const walk = (row, depth) => {
      if (seen.has(row)) return;
      seen.add(row);
      const children = below.get(row) ?? [];
      const open = !closed.has(index.ids[row]);
      items.push({ row, depth, children: children.length, open });
      for (const child of children) if (open) walk(child, depth + 1); else hide(child);
    };
    const hide = (row) => {
      if (seen.has(row)) return;
      seen.add(row);
      for (const child of below.get(row) ?? []) hide(child);
    };
    for (const row of roots) walk(row, 0);
    // Runs that name one another as parents have no root.
    for (const row of rows) if (!seen.has(row)) walk(row, 0);
    return items;
  }

  // state: {query, experiment, sort, group, nested}; returns {rows, items, groups}.
  function arrange(tree_, state, index, fields, opened, closed) {
    const compare = comparer(sortKeys(state.sort, fields), index);
    const rows = filter(tree_, state.experiment, index, fields).sort(compare);
    const names = groupNames(state, index);
    if (names.length) {
      const groups = sortGroups(group(rows, names, index, fields), state.sort, fields, compare);
      return { rows, groups, items: groups.flatMap((one) => (opened.has(one.key) ? [one, ...one.rows.map((row) => ({ row, depth: 1 }))] : [one])) };
    }
    if (state.nested && index.parents.some((parent) => parent !== null)) return { rows, groups: [], items: tree(rows, index, closed) };
    return { rows, groups: [], items: rows };
  }

  // The rows the page begins with, of an index of the newest runs alone.
  function arrangeNewest(index) {
    const { depth, children } = index.manifest.newest;
    const rows = [...index.ids.keys()];
    return { rows, groups: [], items: depth ? rows.map((row) => ({ row, depth: depth[row], children: children[row] })) : rows };
  }

  const groupNames = (state, index) => (state.group.includes("*") ? settings(index) : state.group);

  Object.assign(gittrack, { arrange, arrangeNewest, parseQuery: parse, filterRows: filter, groupNames, Group, groupRows: group });
})();
