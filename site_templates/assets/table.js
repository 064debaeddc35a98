// A table of which only the rows in sight exist; made for 50,000 rows.
(function () {
  "use strict";
  const { element, whenIdle } = gittrack;
  const OVERSCAN = 6;
  // The head is at least so tall, and over the rows.
  const HEAD = 37;
  // So many rows are printed, from the first in sight on.
  const PRINTED = 1000;
  // Taller elements are cut by browsers: beyond it, rows are placed by their share of the way.
  const MAX_HEIGHT = 15_000_000;

  class VirtualTable {
    // options: rowHeight, fill(tr, item, position, columns): draws the cells of so many columns that are not there yet,
    // more(): items are wanted that are not there yet, click(position, event), printed(first, last, total): positions of
    // the rows that come onto paper, which may hold so many
    constructor(table, scroller, options) {
      this.table = table;
      this.scroller = scroller;
      this.options = options;
      this.items = [];
      this.total = 0;
      this.shown = new Map();
      this.heads = [];
      this.sight = { top: 0, left: 0, height: 0, width: 0 };
      // As tall as what was in sight when rows were last drawn.
      this.covered = 0;
      this.printing = null;
      this.head = element("thead");
      this.body = element("tbody");
      this.columns = element("colgroup");
      this.above = element("tr", { class: "pad-row", "aria-hidden": "true" }, element("td"));
      this.below = element("tr", { class: "pad-row", "aria-hidden": "true" }, element("td"));
      this.body.append(this.above, this.below);
      table.append(this.columns, this.head, this.body);
      this.body.addEventListener("click", (event) => {
        const position = Number(event.target.closest("tr").getAttribute("aria-rowindex")) - 2;
        if (position >= 0) this.options.click?.(position, event);
      });
      let waiting = false;
      const later = () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          this.paint();
        });
      };
      scroller.addEventListener("scroll", later, { passive: true });
      // A box that shrinks needs no rows, and one that grows to where there are rows already none either.
      new ResizeObserver(() => { if (scroller.clientHeight > this.covered) later(); }).observe(scroller);
      addEventListener("beforeprint", () => { this.printing = this.measure(); this.paint(); });
      addEventListener("afterprint", () => { this.printing = null; this.paint(); });
    }

    // Each column has a width, whether it takes a share of the room that is left (elastic), and head(), which draws it.
    setColumns(columns) {
      // All that is asked of the page is asked before anything changes: it is laid out once.
      this.sight = this.measure();
      const { width } = this.sight;
      const total = columns.reduce((sum, column) => sum + column.width, 0);
      const spare = Math.max(0, width - total);
      const takers = columns.filter(({ elastic }) => elastic).length;
      this.widths = columns.map((column) => column.width + (column.elastic ? Math.floor(spare / takers) : 0));
      this.columns.replaceChildren(...this.widths.map((width) => {
        const column = element("col");
        column.style.width = `${width}px`;
        return column;
      }));
      this.table.style.width = `${Math.max(total, width)}px`;
      this.table.setAttribute("aria-colcount", columns.length);
      this.heads = columns.map(({ head }) => head);
      this.head.replaceChildren(element("tr"));
      for (const pad of [this.above, this.below]) pad.firstChild.colSpan = columns.length;
    }

    // What is in sight, at most: an empty box may grow as far down as the window does.
    measure() {
      const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.scroller;
      const height = Math.max(clientHeight, innerHeight - this.scroller.getBoundingClientRect().top);
      return { top: scrollTop, left: scrollLeft, height, width: clientWidth };
    }

    // How many columns there are up to the last in sight.
    columnsIn({ left, width }) {
      let end = 0;
      const last = this.widths.findIndex((one) => (end += one) >= left + width);
      return last < 0 ? this.widths.length : last + 1;
    }

    // The first of `total` items, or all of them, in the columns set before; for the others there is room.
    setItems(items, total = items.length) {
      this.items = items;
      this.total = total;
      this.table.setAttribute("aria-rowcount", total + 1);
      this.clear();
      // What is in sight first: the reader waits for no more.
      this.covered = this.sight.height;
      if (this.printing) this.paint();
      else this.paint(this.range(this.sight, 0), this.columnsIn(this.sight));
      // The rows and columns beyond it come when nothing else waits: they would hold up the next frame.
      requestAnimationFrame(() => whenIdle(() => this.paint()));
    }

    // Draws the rows in sight anew, for instance after a selection.
    clear() {
      for (const tr of this.shown.values()) tr.remove();
      this.shown.clear();
    }

    get height() {
      return Math.min(this.total * this.options.rowHeight, MAX_HEIGHT);
    }

    // By how much the rows are taller than the room for them.
    get scale() {
      return this.height ? (this.total * this.options.rowHeight) / this.height : 1;
    }

    rangeNow() {
      this.sight = this.measure();
      this.covered = this.sight.height;
      return this.range(this.sight);
    }

    // The rows in sight and so many beyond: the first, and their number.
    range(sight, beyond = OVERSCAN) {
      const { rowHeight } = this.options;
      const top = sight.top * this.scale;
      const first = Math.floor(top / rowHeight);
      const last = Math.ceil((top + sight.height - HEAD) / rowHeight);
      return [Math.max(0, first - beyond), last - first + 2 * beyond];
    }

    // Those that come onto paper.
    printedRange() {
      const [top] = this.range(this.printing, 0);
      return [Math.max(0, Math.min(top, this.items.length - PRINTED)), PRINTED];
    }

    paint(range = this.printing ? this.printedRange() : this.rangeNow(), columns = this.heads.length) {
      const { rowHeight, fill, more, printed } = this.options;
      const { height, scale } = this;
      const [wanted, count] = range;
      const first = Math.min(this.items.length, wanted);
      const last = Math.min(this.items.length, wanted + count);
      if (this.printing) printed?.(first, last, this.total, PRINTED);
      // Whoever begins to scroll will soon be where nothing is yet.
      else if (this.items.length < this.total && (wanted > 0 || last === this.items.length)) more();
      for (const [position, tr] of this.shown) {
        if (position < first || position >= last) {
          tr.remove();
          this.shown.delete(position);
        }
      }
      const heads = this.head.firstChild;
      heads?.append(...this.heads.slice(heads.cells.length, columns).map((draw) => draw()));
      let before = this.above;
      for (let position = first; position < last; position++) {
        let tr = this.shown.get(position);
        if (!tr) {
          tr = element("tr", { "aria-rowindex": position + 2, id: `row-${position}` });
          before.after(tr);
          this.shown.set(position, tr);
        }
        if (tr.cells.length < columns) fill(tr, this.items[position], position, columns);
        before = tr;
      }
      const over = (first * rowHeight) / scale;
      this.above.firstChild.style.height = `${over}px`;
      this.below.firstChild.style.height = `${Math.max(0, height - over - (last - first) * rowHeight)}px`;
      this.above.hidden = first === 0;
      this.below.hidden = last === this.total;
    }

    reveal(position) {
      const { rowHeight } = this.options;
      const head = this.head.offsetHeight;
      const top = (position * rowHeight) / this.scale;
      const { scrollTop, clientHeight } = this.scroller;
      if (top < scrollTop) this.scroller.scrollTop = top;
      else if (top + rowHeight + head > scrollTop + clientHeight) this.scroller.scrollTop = top + rowHeight + head - clientHeight;
    }
  }

  gittrack.VirtualTable = VirtualTable;
})();
