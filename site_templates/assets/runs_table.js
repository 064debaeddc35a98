// The runs table: its columns, heads and rows, drawn from the state.
(function () {
  "use strict";
  const { address, byId, element } = gittrack;
  const PICK = 42, NAME = 234, NARROW_NAME = 154, GROUP_NAME = 320, SPARK = 122;
  const INDENT = 18;

  // What paper says of the rows that are not on it.
  function sayPrinted(first, last, total, most) {
    if (last - first === total) return "";
    const rest = last - first < Math.min(most, total) ? ` Ctrl P on the page prints ${total > most ? `up to ${most}` : "all"}.` : "";
    return `Rows ${first + 1} to ${last} of ${total} are printed.${rest}`;
  }

  class RunsTable {
    // actions: see heads.js, and toggle(position, extend), open(item). Without a selection nothing can be selected
    // and columns are only sorted.
    constructor(index, fields, state, selection, actions) {
      Object.assign(this, { index, fields, state, selection, actions });
      this.byKeyboard = false;
      this.table = new gittrack.VirtualTable(byId("runs"), byId("scroller"), {
        rowHeight: 36,
        fill: (tr, item, position, columns) => this.fill(tr, item, position, columns),
        more: () => this.actions.more(),
        click: (position, event) => this.click(position, event),
        printed: (first, last, total, most) => { byId("printed").textContent = sayPrinted(first, last, total, most); },
      });
      this.scroller = this.table.scroller;
    }

    // Pinned columns come first and stay in sight.
    drawColumns() {
      const { state, fields, index } = this;
      const shown = gittrack.view.shown(state, index);
      const narrow = matchMedia("(max-width: 760px)").matches;
      const pins = narrow ? [] : shown.filter((name) => state.pins.has(name));
      const ordered = [...pins, ...shown.filter((name) => !pins.includes(name))];
      this.columns = ordered.map((name) => fields.describe(name, state.widths.get(name), state.group.length > 0));
      const name = this.nameColumn(narrow);
      const pick = this.selection === null ? [] : [{ width: PICK, head: () => this.drawPickHead(), cell: (item) => this.drawPick(item) }];
      let left = pick.length * PICK + name.width;
      const described = this.columns.map((column, i) => {
        column.left = i < pins.length ? left : null;
        left += column.width;
        return this.valueColumn(column);
      });
      const spark = index.manifest.primary === null ? [] : [this.sparkColumn(index.manifest.primary)];
      this.table.options.rowHeight = gittrack.view.heights[state.rows];
      byId("runs").dataset.rows = state.rows;
      this.drawn = [...pick, name, ...described.slice(0, pins.length), ...spark, ...described.slice(pins.length)];
      this.table.setColumns(this.drawn);
    }

    // --- columns as the virtual table takes them, and cell(item, row): what each has in a row ---
    nameColumn(narrow) {
      const { state } = this;
      const isGrouped = state.group.length > 0;
      return {
        width: state.widths.get("name") ?? (narrow ? NARROW_NAME : isGrouped ? GROUP_NAME : NAME),
        head: () => gittrack.drawHead({ name: "name", title: isGrouped ? "Group" : "Run" }, state, this.actions, { class: "name-cell", fixed: true }),
        cell: (item, row) => (item instanceof gittrack.Group ? this.groupName(item) : this.runName(item, row)),
      };
    }

    valueColumn(column) {
      const { state } = this;
      const place = (cell) => (column.left === null ? cell : this.pin(cell, column));
      return {
        width: column.width,
        elastic: column.left === null && !state.widths.has(column.name),
        head: () => place(gittrack.drawHead(column, state, this.actions, { fixed: this.selection === null })),
        cell: (item, row) => place(item instanceof gittrack.Group ? gittrack.drawGroupCell(column, item, this.fields) : gittrack.drawCell(column, column.cells()[row])),
      };
    }

    sparkColumn(primary) {
      return {
        width: SPARK,
        head: () => gittrack.drawHead({ name: `m:${primary}`, title: primary }, { ...this.state, sort: [] }, this.actions, { fixed: true, tip: `Curve of ${primary}` }),
        cell: (item, row) => element("td", {}, item instanceof gittrack.Group ? null : gittrack.drawSpark(this.index.sparks[row])),
      };
    }

    drawPickHead() {
      return element("th", { class: "pick-cell", scope: "col" }, element("input", {
        type: "checkbox", id: "select-all", "aria-label": "Select all runs that fit", onchange: (event) => this.actions.all(event.target.checked),
      }));
    }

    pin(cell, column) {
      cell.classList.add("pinned");
      cell.style.left = `${column.left}px`;
      return cell;
    }

    setItems(items, total) {
      this.selection?.setItems(items);
      this.table.setItems(items, total);
    }

    redraw() {
      const focused = document.activeElement === this.scroller;
      this.table.clear();
      this.table.paint();
      if (focused) this.scroller.focus();
      if (this.byKeyboard && this.selection.current >= 0) this.scroller.setAttribute("aria-activedescendant", `row-${this.selection.current}`);
    }

    // The cells of so many columns, those that are not there yet.
    fill(tr, item, position, columns) {
      const isGroup = item instanceof gittrack.Group;
      const row = isGroup ? item.rows[0] : typeof item === "number" ? item : item.row;
      const before = tr.cells.length;
      if (before === 0) {
        if (isGroup) tr.classList.add("group");
        if (this.selection !== null) this.showSelection(tr, item, position);
      }
      tr.append(...this.drawn.slice(before, columns).map(({ cell }) => cell(item, row)));
    }

    click(position, event) {
      if (this.selection === null || event.target.closest("a, button")) return;
      this.byKeyboard = false;
      this.actions.toggle(position, event.shiftKey);
    }

    showSelection(tr, item, position) {
      const { selection } = this;
      tr.setAttribute("aria-selected", String(selection.isSelected(item)));
      if (this.byKeyboard && position === selection.current) tr.classList.add("current");
    }

    drawPick(item) {
      const { selection, index } = this;
      const isGroup = item instanceof gittrack.Group;
      const selected = selection.isSelected(item);
      const label = isGroup ? `group of ${item.rows.length} runs` : index.names[typeof item === "number" ? item : item.row];
      const box = element("input", { type: "checkbox", tabindex: "-1", "aria-label": `Select ${label}` });
      box.checked = selected;
      if (isGroup && !selected) box.indeterminate = item.rows.some((member) => selection.ids.has(index.ids[member]));
      return element("td", { class: "pick-cell" }, box);
    }

    runName(item, row) {
      const { index } = this;
      const status = index.statuses[row].toLowerCase();
      const name = index.names[row] || index.ids[row];
      const td = element("td", { class: "name-cell" });
      if (item.depth) td.style.paddingLeft = `${11 + item.depth * INDENT}px`;
      if (item.children) td.append(this.opener(item, `${name}: ${item.children} nested`));
      td.append(
        element("span", { class: `dot ${status}`, title: status, role: "img", "aria-label": status }),
        element("a", { href: address.page(index.ids[row], index.slugs[row]), text: name, title: name, dir: "auto", ...this.reach({ target: "_top" }) }),
        item.children ? element("small", { text: item.children }) : "",
      );
      return td;
    }

    // With a selection, keys go from row to row; without, from link to link, which lead out of the frame.
    reach(alone) {
      return this.selection === null ? alone : { tabindex: "-1" };
    }

    groupName(item) {
      const { index, fields, state } = this;
      const names = gittrack.groupNames(state, index);
      const row = item.rows[0];
      const values = names.slice(0, 4).map((name) => {
        const cell = fields.cells(name)[row];
        return `${fields.title(name)} ${cell === null ? "none" : typeof cell === "number" && !name.startsWith("a:") ? gittrack.number(cell) : cell}`;
      });
      const text = state.group.includes("*") ? index.names[row] : values.join(", ");
      return element("td", { class: "name-cell", title: values.join("\n") }, this.opener(item, text),
        element("span", { class: "group-name", text, dir: "auto" }), element("small", { text: gittrack.plural(item.rows.length, "run") }));
    }

    opener(item, label) {
      const open = this.actions.isOpen(item);
      return element("button", { type: "button", class: "opener", ...this.reach({}), "aria-expanded": String(open), "aria-label": label, text: open ? "▾" : "▸", onclick: () => this.actions.open(item) });
    }

    // The same table, whole, as text forms take it.
    toTable(items) {
      const { index, fields, columns } = this;
      const value = (column, row) => {
        const cell = column.cells()[row];
        if (cell === null || cell === undefined) return null;
        return column.export ? column.export(cell) : column.numeric ? gittrack.asNumber(cell) : cell;
      };
      const rows = [...items].map((item) => {
        if (!(item instanceof gittrack.Group)) {
          const row = typeof item === "number" ? item : item.row;
          return [index.names[row] || index.ids[row], ...columns.map((column) => value(column, row))];
        }
        const name = this.state.group.includes("*") ? index.names[item.rows[0]] : gittrack.groupNames(this.state, index).map((field) => `${fields.title(field)} ${fields.cells(field)[item.rows[0]]}`).join(", ");
        return [`${name} (${gittrack.plural(item.rows.length, "run")})`, ...columns.map((column) => {
          const cells = column.cells();
          if (item.shared(cells) !== undefined && !column.bar) return value(column, item.rows[0]);
          return column.average ? item.spread(column.name, fields) : `${new Set(item.rows.map((row) => cells[row])).size} values`;
        })];
      });
      return { heads: ["Run", ...columns.map(({ title }) => title)], rows };
    }
  }

  gittrack.RunsTable = RunsTable;
})();
