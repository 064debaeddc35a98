// The state of the runs table, as its address holds it.
(function () {
  "use strict";
  const { address } = gittrack;
  const NEWEST = [{ name: "a:start", descending: true }];
  const HEIGHTS = { compact: 28, normal: 36, tall: 52 };

  function readSort(text, fields) {
    const keys = (text ? text.split(",") : []).map((part) => {
      const cut = part.lastIndexOf(".");
      return { name: decodeURIComponent(part.slice(0, cut)), descending: part.slice(cut + 1) === "desc" };
    }).filter(({ name }) => fields.has(name));
    return keys.length ? keys : NEWEST;
  }

  function readWidths(text) {
    return new Map((text ? text.split(",") : []).map((part) => {
      const cut = part.lastIndexOf(".");
      return [decodeURIComponent(part.slice(0, cut)), Number(part.slice(cut + 1))];
    }).filter(([, width]) => width >= 40 && width <= 1200));
  }

  function read(fields) {
    const params = address.read();
    const columns = params.get("columns");
    const known = (text) => address.ids(text).filter((name) => fields.has(name));
    const group = address.ids(params.get("group"));
    return {
      query: params.get("q") || "",
      experiment: params.get("experiment") || "",
      columns: columns === null ? null : known(columns),
      sort: readSort(params.get("sort"), fields),
      group: group.includes("*") ? ["*"] : group.filter((name) => fields.has(name)),
      nested: params.get("nested") !== "0",
      pins: new Set(known(params.get("pin"))),
      widths: readWidths(params.get("widths")),
      rows: params.get("rows") in HEIGHTS ? params.get("rows") : "normal",
      selected: new Set(address.ids(params.get("selected"))),
    };
  }

  const isNewestFirst = ({ sort }) => sort.length === 1 && sort[0].name === "a:start" && sort[0].descending;

  // Whether the rows are those the page begins with, whatever columns they show.
  const isPlain = (state) => !state.query && !state.experiment && isNewestFirst(state) && !state.group.length && state.nested;

  function write(state) {
    const dotted = (name, value) => `${address.escape(name)}.${value}`;
    address.write({
      q: state.query,
      experiment: state.experiment,
      columns: state.columns === null ? null : address.join(state.columns) || " ",
      sort: isNewestFirst(state) ? null : state.sort.map(({ name, descending }) => dotted(name, descending ? "desc" : "asc")).join(","),
      group: address.join(state.group),
      nested: state.nested ? null : "0",
      pin: address.join([...state.pins]),
      widths: [...state.widths].map(([name, width]) => dotted(name, width)).join(","),
      rows: state.rows === "normal" ? null : state.rows,
      selected: address.join([...state.selected]),
    });
  }

  // Sorts by a column alone, or by it as well; once more turns the order round.
  function sort(state, name, add, fields) {
    const at = state.sort.findIndex((key) => key.name === name);
    if (at >= 0 && (add || state.sort.length === 1)) state.sort = state.sort.map((key, i) => (i === at ? { name, descending: !key.descending } : key));
    else state.sort = [...(add ? state.sort : []), { name, descending: fields.descendsFirst(name) }];
  }

  gittrack.view = { read, write, sort, isPlain, heights: HEIGHTS, shown: (state, index) => state.columns ?? ["a:start", ...index.manifest.shown] };
})();
