// Cards with a chart over runs: its selects, its menu, drawn by Vega when it comes near.
(function () {
  "use strict";
  const { element } = gittrack;
  const LABELS = { x: "x", y: "y", colour: "colour" };
  const MAX_OPTIONS = 500;

  class SpaceCard {
    // config: {kind, x, y, colour}; actions: {changed(), remove()}, both optional
    constructor(config, actions = {}) {
      Object.assign(this, { config, actions });
      this.kind = gittrack.spaceKinds[config.kind];
      this.title = element("h2", {});
      this.hint = element("span", { class: "hint" });
      this.ramp = element("span", { class: "ramp-note", hidden: true }, element("span", { class: "hint" }), element("span", { class: "ramp", "aria-hidden": "true" }));
      this.box = element("div", { class: "vega-box" });
      this.selects = element("span", { class: "picks" });
      this.menu = element("button", { type: "button", class: "card-menu", "aria-label": `Chart ${this.kind.title}`, "aria-haspopup": "menu", "aria-expanded": "false", text: "⋯" });
      this.menu.addEventListener("click", () => this.openMenu());
      this.node = element("section", { class: `card space-card kind-${config.kind}`, "aria-label": this.kind.title },
        element("div", { class: "card-bar" }, this.title, this.hint, element("span", { class: "space" }), this.ramp, this.selects, this.menu), element("div", { class: "vega-scroll", ...(config.kind === "parallel" ? { tabindex: "0", role: "group", "aria-label": "Chart, scrollable" } : {}) }, this.box));
      this.title.textContent = this.kind.title;
    }

    openMenu() {
      const name = this.title.textContent;
      const table = () => (this.config.kind === "parallel" ? gittrack.parallel.toTable(this.scene) : this.made.table());
      const entries = this.drawn ? gittrack.vega.entries(this.box, name, table) : [];
      const frames = this.drawn ? gittrack.alone.entries(this.name, name, this.node.offsetHeight + 60) : [];
      gittrack.openMenu(this.menu, [...entries, ...(frames.length ? [null, ...frames] : []), ...(this.actions.remove ? [null, { title: "Remove this chart", act: () => this.actions.remove() }] : [])]);
    }

    // Which columns may stand for a field, the best guess first.
    offers(field) {
      const { index } = this.scene;
      const kinds = this.kind.fields[field];
      const shown = index.manifest.shown.map((name) => index.columns.get(name));
      const all = [...index.columns.values()].filter((column) => kinds.includes(column.kind) && (column.kind !== "p" || column.varies));
      return [...shown.filter((column) => all.includes(column)), ...all.filter((column) => !shown.includes(column))];
    }

    guess(field) {
      const { index } = this.scene;
      const kinds = this.kind.fields[field];
      const primary = index.manifest.primary ? `m:${index.manifest.primary}` : "";
      if (kinds === "m") return primary;
      const offered = this.offers(field);
      if (field === "colour" || (this.config.kind !== "scatter" && field === "x")) {
        const texts = offered.filter((column) => column.kind === "p" && !column.numeric);
        return (texts.find((column) => /model|arch/u.test(column.key)) ?? texts[0])?.name ?? (kinds.endsWith("?") ? "" : offered[0]?.name ?? "");
      }
      return (offered.find((column) => column.kind === "p" && column.numeric && column.name !== this.config.x) ?? offered.find((column) => column.kind === "p"))?.name ?? "";
    }

    // Fills in what was not said, and offers the rest; false where a field has no column.
    prepare() {
      const { index } = this.scene;
      for (const field of Object.keys(this.kind.fields)) {
        const optional = this.kind.fields[field].endsWith("?");
        if (this.config[field] === undefined || (this.config[field] !== "" && !index.has(this.config[field]))) this.config[field] = this.guess(field);
        if (!this.config[field] && !optional) return false;
      }
      this.selects.replaceChildren(...Object.entries(this.kind.fields).map(([field, kinds]) => {
        const offered = this.offers(field).slice(0, MAX_OPTIONS);
        const select = element("select", {}, ...(kinds.endsWith("?") ? [element("option", { value: "", text: "nothing" })] : []), ...offered.map((column) => element("option", { value: column.name, text: column.key })));
        select.value = this.config[field];
        select.addEventListener("change", () => { this.config[field] = select.value; this.actions.changed?.(); this.draw(); });
        return element("label", { class: "pick" }, `${LABELS[field]} `, select);
      }));
      return true;
    }

    async draw() {
      const charts = await gittrack.vega.open();
      const { index } = this.scene;
      if (this.config.kind === "parallel") {
        this.drawn = await gittrack.parallel.draw(this.scene, { box: this.box, hint: (text) => { this.hint.textContent = text; }, note: (key) => this.note(key) }, charts);
        if (!this.drawn) this.empty("Fewer than two columns vary.");
        return;
      }
      if (!this.prepare()) return this.empty("No column fits.");
      const names = Object.keys(this.kind.fields).map((field) => this.config[field]).filter(Boolean);
      const params = this.config.kind === "importance" ? [...index.columns.values()].filter((column) => column.kind === "p").map(({ name }) => name) : [];
      await index.ensure([...names, ...params]);
      const made = this.kind.make(this.scene, this.config);
      this.made = made;
      this.title.textContent = made.title;
      if (!made.count) return this.empty("No run has both.");
      this.hint.textContent = `${this.scene.rows.length < index.size ? `${this.scene.rows.length} of ${index.size}` : "all"} runs`;
      const spec = gittrack.vega.withData(gittrack.vega.fill(charts[made.template], made.names), made.datasets);
      order(spec, made);
      await gittrack.vega.embed(this.box, spec, ({ page }) => gittrack.address.leave(page));
      this.drawn = true;
    }

    note(key) {
      this.ramp.hidden = !key;
      this.ramp.firstChild.textContent = key ? `coloured by ${key}` : "";
    }

    empty(text) {
      gittrack.vega.remove(this.box);
      this.drawn = false;
      this.box.replaceChildren(element("p", { class: "none-fit", text }));
    }
  }

  // Puts the classes' own order onto the axes, which Vega-Lite would sort by the alphabet.
  function order(spec, made) {
    const visit = (unit) => {
      if (unit.encoding?.x && made.sort) unit.encoding.x.sort = made.sort;
      if (unit.encoding?.y && made.sortY) unit.encoding.y.sort = made.sortY;
      (unit.layer ?? []).forEach(visit);
    };
    visit(spec);
  }

  // Cards that are drawn once the reader comes near, or has nothing else to wait for.
  class Spaces {
    constructor(place) {
      this.place = place;
      this.cards = [];
      this.begun = false;
      this.observer = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) this.begin(); }, { rootMargin: "600px" });
      document.addEventListener("gittrack-theme", () => { if (this.begun) this.drawAll(); });
    }

    set(cards) {
      for (const card of this.cards) gittrack.vega.remove(card.box);
      this.cards = cards;
      this.place.replaceChildren(...cards.map((card) => card.node));
      cards.forEach((card, i) => {
        card.name = `over-${i + 1}`;
        gittrack.alone.show(card.name, card.node, card.kind.title);
      });
      if (this.begun) this.drawAll();
    }

    // scene: {index, rows, marked}; rows may come as a promise, for who has not loaded the index yet.
    show(scene) {
      this.scene = scene;
      if (this.begun) { this.drawAll(); return; }
      this.observer.observe(this.place);
      setTimeout(() => this.begin(), 1500);
    }

    begin() {
      if (this.begun || !this.scene) return;
      this.begun = true;
      this.observer.disconnect();
      this.drawAll();
    }

    async drawAll() {
      const turn = this.turn = (this.turn ?? 0) + 1;
      try {
        const scene = { ...this.scene, rows: await this.scene.rows() };
        for (const card of this.cards) {
          // A newer turn draws everything itself.
          if (turn !== this.turn) return;
          card.scene = scene;
          // Beside a card that stands alone no other is seen.
          if (card.node.offsetParent !== null) await card.draw();
        }
        performance.mark("gittrack-spaces");
      } catch (error) {
        gittrack.say(error.message);
      }
    }
  }

  Object.assign(gittrack, { SpaceCard, Spaces });
})();
