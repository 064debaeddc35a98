// The runs table alone: #table=runs and the state as the runs page has it in its address.
(function () {
  "use strict";
  const { byId, plural, query, view } = gittrack;

  gittrack.openIndex().then(async (index) => {
    const fields = new gittrack.Fields(index);
    const state = view.read(fields);
    const opened = new Set(), closed = new Set();
    let tree;
    try {
      tree = gittrack.parseQuery(state.query, index);
    } catch (error) {
      if (!(error instanceof query.QueryError)) throw error;
      byId("count").textContent = `${error.message}, at character ${error.at + 1}.`;
      return;
    }
    const isGroup = (item) => item instanceof gittrack.Group;
    const keyOf = (item) => (isGroup(item) ? item.key : index.ids[typeof item === "number" ? item : item.row]);
    const table = new gittrack.RunsTable(index, fields, state, null, {
      sort(name, add) { view.sort(state, name, add, fields); draw(); },
      isOpen: (item) => (isGroup(item) ? opened.has(item.key) : !closed.has(keyOf(item))),
      open(item) {
        const set = isGroup(item) ? opened : closed;
        if (!set.delete(keyOf(item))) set.add(keyOf(item));
        draw();
      },
    });
    async function draw() {
      await index.ensure([...query.columnsOf(tree), ...state.sort.map(({ name }) => name), ...view.shown(state, index), ...gittrack.groupNames(state, index)]);
      const arranged = gittrack.arrange(tree, state, index, fields, opened, closed);
      table.drawColumns();
      table.setItems(arranged.items);
      byId("count").textContent = `${arranged.rows.length} of ${plural(index.size, "run")}`;
    }
    byId("source").href = gittrack.address.runs("") + location.hash.replace(/^#table=[^&]*&?/u, "#");
    addEventListener("resize", () => { table.drawColumns(); table.redraw(); });
    await draw();
    performance.mark("gittrack-ready");
  }).catch((error) => gittrack.say(error.message));
})();
