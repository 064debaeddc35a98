// The runs page: reads the state from the address, arranges, draws, and acts.
(function () {
  "use strict";
  const { address, basket, bind, byId, element, query } = gittrack;
  const MAX_COMPARED = 20;
  const PAGE = 12;
  // Of so many runs all are there before they are printed.
  const MAX_AHEAD = 2000;

  // The index has the newest runs alone until something needs all.
  let index, fields, state, table, selection, bar, tree;
  let wantsAll = false;
  // The index of all runs, once it is there for printing.
  let ahead = null;
  let turn = null;
  let arranged = { rows: [], items: [], groups: [] };
  const opened = new Set();
  const closed = new Set();
  const isGroup = (item) => item instanceof gittrack.Group;
  const rowOf = (item) => (typeof item === "number" ? item : item.row);
  const rowsOf = (item) => (isGroup(item) ? item.rows : [rowOf(item)]);

  // Whether the query could be read; where it could not, that is said, and what was read last stands.
  function readQuery() {
    try {
      tree = gittrack.parseQuery(state.query, index);
    } catch (error) {
      if (!(error instanceof query.QueryError)) throw error;
      showError(error);
      return false;
    }
    showError(null);
    return true;
  }

  const needed = (found) => [...query.columnsOf(tree), ...state.sort.map(({ name }) => name), ...gittrack.view.shown(state, found), ...gittrack.groupNames(state, found)];
  const isReady = (found) => needed(found).every((name) => found.ready(name));
  // Whether what is shown needs no more than the newest runs.
  const isEnough = () => !wantsAll && gittrack.view.isPlain(state) && !closed.size && isReady(index) && [...state.selected].every((id) => index.rowOf.has(id));
  const countFitting = () => (index.isWhole ? arranged.rows.length : index.manifest.runs);

  // Waits while the table stays as it is; false where nothing came, which it says.
  async function arrived(promise) {
    byId("runs").setAttribute("aria-busy", "true");
    try {
      await promise;
      return true;
    } catch (error) {
      // A page that is loaded anew will show what was asked for.
      gittrack.view.write(state);
      gittrack.say(error.message);
      return false;
    } finally {
      byId("runs").removeAttribute("aria-busy");
    }
  }

  async function update() {
    let found = index, fits;
    for (;;) {
      // Anew after each wait: meanwhile something else may have been asked for.
      fits = readQuery();
      if (!fits && (index.isWhole || !wantsAll || tree === undefined)) return;
      if (!found.isWhole && !isEnough()) {
        const opening = gittrack.openIndex();
        if (!await arrived(opening)) return;
        found = await opening;
      } else if (!isReady(found)) {
        if (!await arrived(found.ensure(needed(found)))) return;
      } else break;
    }
    if (found !== index) take(found);
    const begun = performance.now();
    arranged = index.isWhole ? gittrack.arrange(tree, state, index, fields, opened, closed) : gittrack.arrangeNewest(index);
    table.drawColumns();
    table.setItems(arranged.items, index.isWhole ? arranged.items.length : index.manifest.runs);
    const spent = Math.max(1, Math.round(performance.now() - begun));
    const groups = arranged.groups.length ? ` in ${gittrack.plural(arranged.groups.length, "group")}` : "";
    byId("count").textContent = `${countFitting()} of ${gittrack.plural(index.manifest.runs, "run")}${groups} · ${spent} ms`;
    drawControls();
    if (fits) gittrack.view.write(state);
  }

  function take(found) {
    index = found;
    fields = new gittrack.Fields(index);
    Object.assign(table, { index, fields });
    selection.index = index;
  }

  // Asks for all runs and draws them.
  function loadAll() {
    if (index.isWhole) return Promise.resolve();
    wantsAll = true;
    return update();
  }

  function withAll(act) {
    if (index.isWhole) act();
    else turn = loadAll().then(() => { if (index.isWhole) act(); });
  }

  // After what was asked for before, should that still wait for runs.
  function inTurn(act) {
    if (turn && !index.isWhole) turn.then(act);
    else act();
  }

  function showError(error) {
    const box = byId("query-error");
    byId("query").setAttribute("aria-invalid", String(error !== null));
    byId("query-hint").hidden = error !== null;
    box.hidden = error === null;
    bar.mark(error);
    if (error) {
      const rest = state.query.slice(error.at, error.at + 24);
      box.replaceChildren(`${error.message}, at character ${error.at + 1}`, rest ? ": " : ", the end.", rest ? element("code", { text: `…${rest}` }) : "");
    }
  }

  function drawControls() {
    const ids = [...state.selected].filter((id) => index.rowOf.has(id));
    const button = byId("compare");
    button.querySelector("span").textContent = ids.length ? `Compare ${gittrack.plural(ids.length, "run")}` : "Compare";
    button.setAttribute("aria-disabled", String(ids.length === 0));
    button.tabIndex = ids.length ? 0 : -1;
    const link = address.compare(ids.slice(0, MAX_COMPARED));
    button.href = link;
    byId("nav-compare").href = ids.length ? link : address.compare(basket.read());
    const all = byId("select-all");
    const chosen = arranged.rows.reduce((sum, row) => sum + state.selected.has(index.ids[row]), 0);
    all.checked = chosen > 0;
    all.indeterminate = chosen > 0 && chosen < countFitting();
    byId("group-button").querySelector("span").textContent = state.group.length ? `Grouped by ${state.group.includes("*") ? "all but seed" : state.group.length === 1 ? fields.title(state.group[0]) : `${state.group.length} columns`}` : "Group";
    byId("group-button").classList.toggle("on", state.group.length > 0);
    byId("clear-selection").hidden = ids.length === 0;
  }

  // --- what heads, rows and menus may do ---
  const change = () => update();
  const restart = () => { table.scroller.scrollTop = 0; return update(); };
  const actions = {
    change,
    more: () => { if (!wantsAll) loadAll(); },
    shown: () => gittrack.view.shown(state, index),
    resize: () => { table.drawColumns(); table.redraw(); },
    sort(name, add) { gittrack.view.sort(state, name, add, fields); restart(); },
    order(name, descending) { state.sort = [{ name, descending }]; restart(); },
    group(name) { state.group = state.group.includes(name) ? state.group.filter((other) => other !== name) : [...state.group.filter((other) => other !== "*"), name]; restart(); },
    pin(name) { if (!state.pins.delete(name)) state.pins.add(name); change(); },
    hide(name) { state.columns = actions.shown().filter((other) => other !== name); change(); },
    replace(name, other) { state.columns = [...new Set(actions.shown().map((one) => (one === name ? other : one)))]; change(); },
    move(name, target, after) {
      const others = actions.shown().filter((other) => other !== name);
      others.splice(others.indexOf(target) + (after ? 1 : 0), 0, name);
      state.columns = others;
      change();
    },
    all: (add) => withAll(() => selection.all(arranged.rows, add)),
    toggle: (position, extend) => selection.toggle(position, extend),
    isOpen: (item) => (isGroup(item) ? opened.has(item.key) : !closed.has(index.ids[rowOf(item)])),
    open(item) {
      const [set, key] = isGroup(item) ? [opened, item.key] : [closed, index.ids[rowOf(item)]];
      if (!set.delete(key)) set.add(key);
      change();
    },
  };

  function selected() {
    table.redraw();
    drawControls();
    gittrack.view.write(state);
  }

  // --- panels ---
  function wirePanel(button, panel, draw) {
    byId(button).addEventListener("click", () => {
      gittrack.openPanel(byId(button), byId(panel));
      if (byId(panel).hidden) return;
      const search = byId(panel).querySelector("input[type=search]");
      search.value = "";
      draw();
      search.focus();
    });
    byId(panel).querySelector("input[type=search]").addEventListener("input", draw);
  }
  function drawColumnsPanel() {
    const shown = new Set(actions.shown());
    const toggle = (name, show) => {
      const others = actions.shown().filter((other) => other !== name);
      state.columns = show ? [...others, name] : others;
      change();
    };
    const back = element("button", { type: "button", text: "Back to the first choice", onclick: () => { state.columns = null; state.widths.clear(); state.pins.clear(); drawColumnsPanel(); change(); } });
    byId("column-list").replaceChildren(...gittrack.listColumns(fields, byId("column-search").value, (name) => shown.has(name), toggle), element("p", {}, back));
  }
  function drawGroupPanel() {
    const set = (group) => { state.group = group; drawGroupPanel(); restart(); };
    const presets = [["Not grouped", []], ["All parameters except the seed", ["*"]], ["Experiment", ["a:experiment"]], ["Commit", ["a:commit"]]];
    const same = (group) => group.length === state.group.length && group.every((name) => state.group.includes(name));
    byId("group-list").replaceChildren(
      ...presets.map(([title, group]) => element("button", { type: "button", class: "choice", "aria-pressed": String(same(group)), text: title, onclick: () => set(group) })),
      ...gittrack.listColumns(fields, byId("group-search").value, (name) => state.group.includes(name), (name) => { actions.group(name); drawGroupPanel(); }, "pta"),
    );
  }
  function openExport() {
    const name = `${index.manifest.title.replace(/[^\w.-]+/gu, "-")}-runs`;
    loadAll();
    gittrack.offerTable(byId("export-button"), name, async () => {
      await loadAll();
      return index.isWhole ? table.toTable(arranged.items) : null;
    });
  }
  function copyFrame() {
    const { selected: _, ...shown } = Object.fromEntries(address.read());
    gittrack.copyFrame(gittrack.embedAddress({ table: "runs", ...shown }), "Runs", 420);
  }
  function openMore() {
    const height = (rows, title) => ({ title, checked: state.rows === rows, act: () => { state.rows = rows; change(); } });
    gittrack.openMenu(byId("more-button"), [
      height("compact", "Compact rows"), height("normal", "Normal rows"), height("tall", "Tall rows"), null,
      { title: "Nested runs as a tree", checked: state.nested, act: () => { state.nested = !state.nested; change(); } },
      null,
      { title: "Copy the address of this view", act: () => gittrack.copy(location.href, "The address is copied.") },
      ...(gittrack.pack ? [] : [{ title: "Copy an iframe of this table", act: copyFrame }]),
      { title: "Start over", act: () => { address.write({}); dispatchEvent(new HashChangeEvent("hashchange")); } },
    ]);
  }

  // --- what a live page keeps beside its address: what is unfolded, and the row that keys went to ---
  const keyOf = (item) => (isGroup(item) ? item.key : index.ids[rowOf(item)]);
  function readPlace() {
    const current = table.byKeyboard ? arranged.items[selection.current] : undefined;
    return { opened: [...opened], closed: [...closed], current: current === undefined ? null : keyOf(current), focused: document.activeElement === table.scroller };
  }
  async function restorePlace(kept) {
    for (const key of kept.opened) opened.add(key);
    for (const id of kept.closed) closed.add(id);
    if (opened.size + closed.size > 0) await update();
    if (kept.focused) table.scroller.focus({ preventScroll: true });
    if (kept.current === null) return;
    const find = () => arranged.items.findIndex((item) => keyOf(item) === kept.current);
    if (find() < 0) await loadAll();
    const at = find();
    if (at < 0) return;
    table.byKeyboard = true;
    selection.current = at;
    table.redraw();
  }

  // --- wiring ---
  function wire() {
    const input = byId("query");
    const later = gittrack.debounce(restart, 60);
    bar = gittrack.wireQuery(input, () => fields, (text) => { state.query = text; later(); });
    input.value = state.query;
    // Values are offered of all runs, and soon they will be searched.
    input.addEventListener("focus", loadAll);
    byId("search").addEventListener("submit", (event) => event.preventDefault());
    const experiments = byId("experiment");
    for (const [id, name] of index.experiments) experiments.append(element("option", { value: id, text: name }));
    experiments.value = state.experiment;
    experiments.addEventListener("change", () => { state.experiment = experiments.value; restart(); });
    wirePanel("columns-button", "columns", drawColumnsPanel);
    wirePanel("group-button", "groups", drawGroupPanel);
    byId("export-button").addEventListener("click", openExport);
    byId("more-button").addEventListener("click", openMore);
    byId("clear-selection").addEventListener("click", () => selection.clear());
    addEventListener("hashchange", () => {
      Object.assign(state, gittrack.view.read(fields));
      selection.ids = state.selected;
      input.value = state.query;
      experiments.value = state.experiment;
      update();
    });
    let width = innerWidth;
    addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; actions.resize(); } });
    wireKeys(input);
    gittrack.loadAll = loadAll;
    gittrack.place = { read: readPlace, restore: restorePlace };
    gittrack.addAction("Group by all parameters except the seed", "action", () => { state.group = ["*"]; restart(); });
    gittrack.addAction("Export the table", "action", openExport);
    if (!gittrack.pack) gittrack.addAction("Copy an iframe of this table", "action", copyFrame);
  }
  function wireKeys(input) {
    const go = (by, extend) => {
      table.byKeyboard = true;
      selection.move(by, extend);
      table.table.reveal(selection.current);
      table.redraw();
    };
    const move = (by, extend) => inTurn(() => {
      if (selection.current + by < arranged.items.length) go(by, extend);
      else withAll(() => go(by, extend));
    });
    const toggle = (extend) => inTurn(() => selection.toggle(selection.current, extend));
    const item = () => arranged.items[selection.current];
    const enter = () => {
      const found = item();
      if (found === undefined) return;
      if (isGroup(found)) actions.open(found);
      else location.href = address.page(index.ids[rowOf(found)], index.slugs[rowOf(found)]);
    };
    const fold = (open) => () => {
      const found = item();
      if (found !== undefined && (isGroup(found) || found.children) && actions.isOpen(found) !== open) actions.open(found);
    };
    bind("/", "Search", () => { input.focus(); input.select(); });
    bind("j", "Next run", () => move(1));
    bind("k", "Previous run", () => move(-1));
    bind("x", "Select the run", () => toggle());
    bind("c", "Compare what is selected", () => { if (state.selected.size) location.href = byId("compare").href; else gittrack.say("Select runs first: x, or a click."); });
    bind("Enter", "Open the run or group", enter);
    bind("Escape", "Clear the search", () => { if (state.query) { state.query = ""; input.value = ""; update(); } });
    byId("scroller").addEventListener("keydown", (event) => {
      if (event.target !== byId("scroller") || event.ctrlKey || event.metaKey || event.altKey) return;
      const by = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity }[event.key];
      if (by) move(by, event.shiftKey);
      else if (event.key === " ") toggle(event.shiftKey);
      else if (event.key === "ArrowRight" && (isGroup(item()) || item()?.children)) fold(true)();
      else if (event.key === "ArrowLeft" && (isGroup(item()) || item()?.children)) fold(false)();
      else return;
      event.preventDefault();
    });
    wirePrinting();
  }
  // Nothing can be waited for when the browser's own menu prints: runs are asked for when the pointer has gone there.
  function wirePrinting() {
    document.documentElement.addEventListener("mouseleave", async () => {
      if (index.isWhole || ahead || index.manifest.runs > MAX_AHEAD) return;
      try {
        const found = await gittrack.openIndex();
        await found.ensure(needed(found));
        ahead = found;
      } catch {
        // Whoever asks for them is told.
      }
    });
    addEventListener("beforeprint", () => {
      if (index.isWhole || !ahead || !isReady(ahead)) return;
      take(ahead);
      update();
    });
    document.addEventListener("keydown", (event) => {
      if (index.isWhole || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "p") return;
      event.preventDefault();
      loadAll().then(() => print());
    });
  }

  gittrack.openNewest().then((opened_) => {
    index = opened_;
    fields = new gittrack.Fields(index);
    state = gittrack.view.read(fields);
    selection = new gittrack.Selection(state.selected, index, rowsOf, selected);
    table = new gittrack.RunsTable(index, fields, state, selection, actions);
    wire();
    return update();
  }).then(() => performance.mark("gittrack-ready")).catch((error) => gittrack.say(error.message));
})();
