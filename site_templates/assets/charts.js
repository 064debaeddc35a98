// The charts page: which runs are drawn, sections of metrics, pictures, and charts over all runs.
(function () {
  "use strict";
  const { address, bind, byId, element, markColour, markDash, swatch } = gittrack;
  const DEFAULT_SPACES = ["parallel", "importance", "scatter", "box"];
  const ORDERS = [["newest", "newest"], ["best", "best"]];
  const gallery = new gittrack.Gallery();
  const spaces = new gittrack.Spaces(byId("spaces"));
  let index, fields, state, bar;
  let rows = [], runs = [], lines = [];

  function read() {
    const params = address.read();
    return {
      query: params.get("q") || "",
      count: [5, 10, 20, 50].includes(Number(params.get("n"))) ? Number(params.get("n")) : 10,
      order: params.get("order") === "best" && index.manifest.primary ? "best" : "newest",
      runs: address.ids(params.get("runs")),
      grouped: params.get("seeds") === "1",
      filter: params.get("metrics") || "",
      pins: address.ids(params.get("pin")),
      closed: new Set(address.ids(params.get("closed"))),
      charts: params.has("charts") ? readSpaces(params.get("charts")) : DEFAULT_SPACES.map((kind) => ({ kind })),
      curves: gittrack.curveOptions.read(params),
    };
  }
  // kind;x=p:lr;y=m:acc — one a chart.
  const readSpaces = (text) => address.ids(text).map((part) => {
    const [kind, ...fieldTexts] = part.split(";");
    return { kind, ...Object.fromEntries(fieldTexts.map((field) => { const cut = field.indexOf("="); return [field.slice(0, cut), field.slice(cut + 1)]; })) };
  }).filter(({ kind }) => kind in gittrack.spaceKinds);
  const writeSpaces = (cards) => address.join(cards.map(({ kind, ...more }) => [kind, ...Object.entries(more).filter(([, value]) => value !== undefined).map(([field, value]) => `${field}=${value}`)].join(";")));

  function write() {
    const isDefault = state.charts.map(({ kind }) => kind).join() === DEFAULT_SPACES.join() && !state.touched;
    address.write({
      q: state.query, n: state.count === 10 ? null : state.count, order: state.order === "newest" ? null : state.order, runs: address.join(state.runs),
      seeds: state.grouped, metrics: state.filter, pin: address.join(state.pins), closed: address.join([...state.closed]),
      charts: isDefault ? null : writeSpaces(state.charts) || " ", ...gittrack.curveOptions.write(state.curves),
    });
  }

  // --- which runs ---
  async function choose() {
    let tree;
    try {
      tree = gittrack.parseQuery(state.query, index);
    } catch (error) {
      if (!(error instanceof gittrack.query.QueryError)) throw error;
      byId("query-error").textContent = `${error.message}, at character ${error.at + 1}.`;
      byId("query-error").hidden = false;
      bar.mark(error);
      return;
    }
    byId("query-error").hidden = true;
    bar.mark(null);
    await index.ensure(gittrack.query.columnsOf(tree));
    rows = [...gittrack.filterRows(tree, "", index, fields)].sort((a, b) => index.starts[b] - index.starts[a]);
    const fitting = new Set(rows);
    const ranked = state.order === "best" ? index.rank(index.manifest.primary).filter((row) => fitting.has(row)) : rows;
    const named = state.runs.map((id) => index.rowOf.get(id)).filter((row) => row !== undefined);
    const drawn = named.length ? named : ranked.slice(0, state.count);
    runs = gittrack.assignMarks(await gittrack.loadRuns(drawn.map((row) => index.describe(row))));
    makeLines();
    drawChips();
    drawSections();
    drawPictures();
    spaces.show({ index, rows: () => rows, marked: runs });
    write();
    performance.mark("gittrack-ready");
  }

  // A line a run, or one for all runs that differ in their seed only.
  function makeLines() {
    const line = (run, more) => ({ name: run.name, letter: run.mark.letter, dash: markDash(run), colour: () => markColour(run), runs: [run], ...more });
    if (!state.grouped) {
      lines = runs.map((run) => line(run));
      return;
    }
    lines = gittrack.groupBySetting(runs, index).map((members) => line(members[0], { runs: members, name: members.length > 1 ? `${members[0].name} and ${members.length - 1} more` : members[0].name }));
  }

  function drawChips() {
    byId("chips").replaceChildren(...lines.map((line) => element("li", { class: "chip" }, swatch(line.runs[0]),
      element("a", { href: address.page(line.runs[0].id, line.runs[0].slug), text: line.name || line.runs[0].id, dir: "auto" }))),
      runs.length ? element("li", { class: "chip-more" }, element("a", { href: address.compare(runs.slice(0, 20).map(({ id }) => id)), text: "Compare these" })) : element("li", { class: "hint", text: "No run fits." }));
    drawCount();
  }

  function drawCount() {
    const means = state.curves.x === "commit" && !state.runs.length && runs.length < rows.length ? ", means of all" : "";
    byId("drawn").textContent = `${runs.length} of ${gittrack.plural(rows.length, "run")} drawn${means}`;
  }

  // How the runs that fit but are not drawn ended.
  async function findOthers(key) {
    const name = `m:${key}`, some = rows;
    await index.ensure([name]);
    const values = index.numbers(name), drawn = new Set(runs.map(({ id }) => id));
    return some.filter((row) => Number.isFinite(values[row]) && !drawn.has(index.ids[row])).map((row) => ({ start: index.starts[row], commit: index.commits[row], value: values[row] }));
  }

  // --- sections of metrics ---
  function drawSections() {
    gallery.clear();
    let pattern = null;
    try {
      pattern = new RegExp(state.filter, "iu");
      byId("metric-filter").removeAttribute("aria-invalid");
    } catch {
      byId("metric-filter").setAttribute("aria-invalid", "true");
      pattern = /(?:)/u;
    }
    const all = new Set(runs.flatMap((run) => Object.keys(run.metrics)));
    const keys = [...index.columns.values()].filter(({ kind, key }) => kind === "m" && all.has(key) && pattern.test(key));
    const groups = new Map();
    for (const { key, system } of keys) {
      const name = system ? "System" : key.includes("/") ? key.slice(0, key.indexOf("/")) : "Other";
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(key);
    }
    const pinned = state.pins.filter((key) => keys.some((column) => column.key === key));
    const sections = [...(pinned.length ? [["Pinned", pinned]] : []), ...groups];
    gittrack.fillAsSeen(byId("sections"), sections, ([name, members]) => drawSection(name, members), 12);
    if (!sections.length) byId("sections").append(element("p", { class: "none-fit", text: "No metric fits." }));
    gallery.idle();
  }

  function drawSection(name, keys) {
    const starts = name === "System" ? !state.closed.has("+System") : state.closed.has(name);
    const charts = element("div", { class: "charts" });
    gittrack.fillAsSeen(charts, keys, drawCard);
    const details = element("details", { class: "section", open: !starts }, element("summary", {}, element("b", { text: name, dir: "auto" }), " ", element("span", { text: keys.length })), charts);
    details.addEventListener("toggle", () => {
      const [mark, present] = name === "System" ? ["+System", details.open] : [name, !details.open];
      if (present) state.closed.add(mark); else state.closed.delete(mark);
      write();
      gallery.idle();
    });
    return details;
  }

  function drawCard(key) {
    const box = element("div", { class: "plot" });
    const curves = new gittrack.Curves(box, key, lines);
    curves.set({ ...state.curves });
    // Who names runs wants these alone.
    if (!state.runs.length) curves.findOthers = findOthers;
    gallery.add(box, curves);
    const pinned = state.pins.includes(key);
    return gittrack.drawCurveCard(key, curves, {
      more: [{ title: "Pin to the top", checked: pinned, act: () => { state.pins = pinned ? state.pins.filter((other) => other !== key) : [...state.pins, key]; drawSections(); write(); } }],
      embed: () => gittrack.embedAddress({ chart: key, runs: address.join(runs.map(({ id }) => id)), ...gittrack.curveOptions.write(state.curves) }),
    });
  }

  // --- pictures ---
  function drawPictures() {
    const found = gittrack.pictures.collect(runs);
    byId("gallery").hidden = found.size === 0;
    const steps = gittrack.pictures.steps(found);
    const slider = byId("picture-step");
    slider.closest("label").hidden = steps.length < 2;
    slider.max = Math.max(0, steps.length - 1);
    slider.value = slider.max;
    const show = () => {
      const step = steps[Number(slider.value)];
      byId("picture-at").textContent = step ?? "";
      gittrack.pictures.draw(byId("picture-grid"), runs, found, step ?? Infinity);
    };
    slider.oninput = show;
    show();
  }

  // --- charts over all runs ---
  function setSpaces() {
    spaces.set(state.charts.map((config) => new gittrack.SpaceCard(config, {
      changed: () => { state.touched = true; write(); },
      remove: () => { state.touched = true; state.charts = state.charts.filter((other) => other !== config); setSpaces(); write(); },
    })));
  }
  function openAdd() {
    gittrack.openMenu(byId("add-chart"), Object.entries(gittrack.spaceKinds).map(([kind, { title }]) => ({
      title, act: () => {
        state.touched = true;
        state.charts = [...state.charts, { kind }];
        setSpaces();
        write();
        spaces.begin();
        spaces.cards.at(-1).node.scrollIntoView({ block: "center" });
      },
    })));
  }

  function wire() {
    const input = byId("query");
    const later = gittrack.debounce(() => choose().catch((error) => gittrack.say(error.message)), 150);
    bar = gittrack.wireQuery(input, () => fields, (text) => { state.query = text; state.runs = []; later(); });
    input.value = state.query;
    byId("search").addEventListener("submit", (event) => event.preventDefault());
    byId("order").replaceChildren(...ORDERS.filter(([value]) => value === "newest" || index.manifest.primary).map(([value, text]) => element("option", { value, text: value === "best" ? `${text} by ${index.manifest.primary}` : `${text} runs` })));
    byId("order").value = state.order;
    byId("count").value = state.count;
    byId("grouped").checked = state.grouped;
    byId("metric-filter").value = state.filter;
    byId("order").addEventListener("change", () => { state.order = byId("order").value; state.runs = []; later(); });
    byId("count").addEventListener("change", () => { state.count = Number(byId("count").value); state.runs = []; later(); });
    byId("grouped").addEventListener("change", () => { state.grouped = byId("grouped").checked; makeLines(); drawChips(); drawSections(); write(); });
    byId("metric-filter").addEventListener("input", gittrack.debounce(() => { state.filter = byId("metric-filter").value; drawSections(); write(); }, 150));
    byId("add-chart").addEventListener("click", openAdd);
    const metrics = [...index.columns.values()].filter(({ kind }) => kind === "m").map(({ key }) => key);
    gittrack.curveOptions.wire(state.curves, gallery, metrics, () => { write(); drawCount(); }, { defined: index.manifest.axes, several: true });
    setSpaces();
    bind("/", "Search runs", () => input.focus());
    bind("f", "Filter metrics", () => byId("metric-filter").focus());
    bind("c", "Compare what is drawn", () => { location.href = address.compare(runs.slice(0, 20).map(({ id }) => id)); });
    addEventListener("hashchange", () => location.reload());
  }

  gittrack.openIndex().then((opened) => {
    index = opened;
    fields = new gittrack.Fields(index);
    state = read();
    wire();
    return choose();
  }).catch((error) => gittrack.say(error.message));
})();
