// The head of the runs table: sorting, and for each column a menu, a border to drag and a place to drop.
(function () {
  "use strict";
  const { element } = gittrack;
  const STEP = 24, LEAST = 48, MOST = 1200;
  let dragged = null;

  // actions: {sort(name, add), change()}; state as in view.js; columns as described by the fields.
  function head(column, state, actions, options = {}) {
    const { name, title, numeric } = column;
    const at = state.sort.findIndex((key) => key.name === name);
    const sorted = at >= 0 ? state.sort[at] : null;
    const order = sorted ? (sorted.descending ? "descending" : "ascending") : null;
    const th = element("th", { class: [numeric ? "num" : "", options.class ?? ""].join(" ").trim() || null, scope: "col", title: options.tip ?? title, "aria-sort": at === 0 ? order : null });
    th.dataset.column = name;
    th.append(element("button", { type: "button", class: "sort", onclick: (event) => actions.sort(name, event.shiftKey) },
      element("span", { text: title, dir: "auto" }),
      sorted ? element("i", { "aria-hidden": "true", text: (sorted.descending ? "↓" : "↑") + (state.sort.length > 1 ? at + 1 : "") }) : null,
      sorted ? element("span", { class: "hidden", text: `, sorted ${order}` }) : null));
    if (options.fixed) return th;
    const more = element("button", { type: "button", class: "more", "aria-label": `Column ${title}`, "aria-haspopup": "menu", "aria-expanded": "false", text: "⋮" });
    more.addEventListener("click", () => gittrack.openMenu(more, entries(column, state, actions)));
    th.append(more, grip(th, column, state, actions));
    wireDragging(th, name, actions);
    return th;
  }

  function entries(column, state, actions) {
    const { name } = column;
    const shown = actions.shown();
    const at = shown.indexOf(name);
    const move = (by) => () => actions.move(name, shown[at + by], by > 0);
    const resize = (by) => () => { state.widths.set(name, Math.round(Math.min(MOST, Math.max(LEAST, column.width + by)))); actions.change(); };
    const isMetric = "mlh".includes(name[0]) && name[1] === ":";
    const values = isMetric ? [["m", "Show the last value"], ["l", "Show the minimum"], ["h", "Show the maximum"]].map(([kind, title]) => ({
      title: kind === (column.lower ? "l" : "h") ? `${title}, the best` : title, checked: name[0] === kind, act: () => actions.replace(name, `${kind}:${name.slice(2)}`),
    })) : [];
    return [
      { title: "Sort ascending", act: () => actions.order(name, false) },
      { title: "Sort descending", act: () => actions.order(name, true) },
      { title: "Sort by this as well", act: () => actions.sort(name, true) },
      null,
      ...(values.length ? [...values, null] : []),
      { title: "Group by this", checked: state.group.includes(name), act: () => actions.group(name) },
      { title: "Pin", checked: state.pins.has(name), act: () => actions.pin(name) },
      ...(at > 0 ? [{ title: "Move left", act: move(-1) }] : []),
      ...(at < shown.length - 1 ? [{ title: "Move right", act: move(1) }] : []),
      { title: "Wider", act: resize(STEP) },
      { title: "Narrower", act: resize(-STEP) },
      null,
      { title: "Hide", act: () => actions.hide(name) },
    ];
  }

  function grip(th, column, state, actions) {
    const node = element("span", { class: "grip", "aria-hidden": "true" });
    node.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      const from = event.clientX, width = th.offsetWidth;
      node.setPointerCapture(event.pointerId);
      node.onpointermove = (moved) => {
        state.widths.set(column.name, Math.round(Math.min(MOST, Math.max(LEAST, width + moved.clientX - from))));
        actions.resize();
      };
      node.onpointerup = () => { node.onpointermove = null; actions.change(); };
    });
    node.addEventListener("dblclick", () => { state.widths.delete(column.name); actions.change(); });
    return node;
  }

  function wireDragging(th, name, actions) {
    th.draggable = true;
    th.addEventListener("dragstart", (event) => {
      dragged = name;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", name);
    });
    th.addEventListener("dragover", (event) => {
      if (dragged === null || dragged === name) return;
      event.preventDefault();
      th.classList.add("drop");
    });
    th.addEventListener("dragleave", () => th.classList.remove("drop"));
    th.addEventListener("drop", (event) => {
      event.preventDefault();
      const after = event.offsetX > th.offsetWidth / 2;
      if (dragged !== null && dragged !== name) actions.move(dragged, name, after);
      dragged = null;
    });
    th.addEventListener("dragend", () => { dragged = null; });
  }

  gittrack.drawHead = head;
})();
