// Which runs are selected: by a click, by keys, in a row, all of them.
(function () {
  "use strict";

  class Selection {
    // ids: the set to keep up to date; rowsOf(item): the rows an item stands for; changed(): called after.
    constructor(ids, index, rowsOf, changed) {
      Object.assign(this, { ids, index, rowsOf, changed });
      this.items = [];
      this.current = -1;
      this.anchor = -1;
    }

    setItems(items) {
      this.items = items;
      this.current = Math.min(this.current, items.length - 1);
      this.anchor = Math.min(this.anchor, items.length - 1);
    }

    isSelected(item) {
      return this.rowsOf(item).every((row) => this.ids.has(this.index.ids[row]));
    }

    mark(rows, add) {
      for (const row of rows) {
        if (add) this.ids.add(this.index.ids[row]); else this.ids.delete(this.index.ids[row]);
      }
    }

    // Selects the item or lets go of it; with `extend` also all from where the last one was.
    toggle(position, extend = false) {
      if (position < 0 || position >= this.items.length) return;
      const add = !this.isSelected(this.items[position]);
      const [from, to] = extend && this.anchor >= 0 ? [Math.min(this.anchor, position), Math.max(this.anchor, position)] : [position, position];
      for (let i = from; i <= to; i++) this.mark(this.rowsOf(this.items[i]), add);
      this.anchor = position;
      this.current = position;
      this.changed();
    }

    // Goes to another item; with `extend` everything on the way is selected.
    move(by, extend = false) {
      if (!this.items.length) return;
      const before = this.current;
      this.current = Math.min(this.items.length - 1, Math.max(0, this.current + by));
      if (extend) {
        for (let i = Math.max(0, Math.min(before, this.current)); i <= Math.max(before, this.current); i++) this.mark(this.rowsOf(this.items[i]), true);
        this.anchor = this.current;
      }
      this.changed();
    }

    all(rows, add) {
      this.mark(rows, add);
      this.changed();
    }

    clear() {
      this.ids.clear();
      this.changed();
    }
  }

  gittrack.Selection = Selection;
})();
