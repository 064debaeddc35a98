// The history page: a metric over time or commits, the best so far, and where its level changed.
(function () {
  "use strict";
  const { address, byId, element, number, time, vega } = gittrack;
  const MAX_POINTS = 5000;
  let index, state, made;

  function read() {
    const params = address.read();
    const metric = params.get("metric");
    return {
      metric: metric && index.has(`m:${metric}`) ? metric : index.manifest.primary ?? "",
      experiment: index.experiments.has(params.get("experiment")) ? params.get("experiment") : "",
      by: params.get("by") === "commit" ? "commit" : "time",
    };
  }
  const write = () => address.write({ metric: state.metric === index.manifest.primary ? null : state.metric, experiment: state.experiment, by: state.by === "time" ? null : "commit" });

  // Runs with the metric, oldest first: {row, value, commit}.
  function collect() {
    const values = index.numbers(`m:${state.metric}`), { starts } = index;
    return [...index.ids.keys()].filter((row) => Number.isFinite(values[row]) && (!state.experiment || index.experiment[row] === state.experiment))
      .sort((a, b) => starts[a] - starts[b]).map((row) => ({ row, value: values[row], start: starts[row], commit: index.commits[row] }));
  }

  const lower = () => index.columns.get(`m:${state.metric}`).lower;
  function best(runs) {
    let record = null;
    return runs.map((run) => {
      if (record === null || (lower() ? run.value < record : run.value > record)) record = run.value;
      return record;
    });
  }

  // One point a run, or one a commit with the mean of its runs.
  function points(runs) {
    if (state.by === "time") {
      const records = best(runs);
      return runs.map((run, i) => ({ x: index.starts[run.row], y: run.value, best: records[i], name: index.names[run.row], c: run.commit ?? "unknown", page: address.page(index.ids[run.row], index.slugs[run.row]), t: number(run.value) }));
    }
    const rows = [...gittrack.groupByCommit(runs)].map(([commit, members]) => ({ commit, members, ...gittrack.measure(members.map(({ value }) => value)) }));
    const records = best(rows.map(({ mean }) => ({ value: mean })));
    return rows.map(({ commit, members, mean, std, count }, i) => ({ x: i, y: mean, low: mean - (std ?? 0), high: mean + (std ?? 0), best: records[i], name: gittrack.plural(count, "run"), c: commit, page: address.runs(`commit = '${commit}'`), t: gittrack.spread(mean, std), first: members[0] }));
  }

  function describeChange(list, at, from, to) {
    const before = gittrack.measure(list.slice(from, at).map(({ y }) => y)), after = gittrack.measure(list.slice(at, to).map(({ y }) => y));
    const good = (after.mean < before.mean) === lower();
    return { at, good, before, after, last: list[at - 1], first: list[at] };
  }

  function drawChanges(list, cuts) {
    const changes = cuts.map((at, i) => describeChange(list, at, cuts[i - 1] ?? 0, cuts[i + 1] ?? list.length)).reverse();
    byId("changes").replaceChildren(...(changes.length ? changes.map(({ good, before, after, last, first }) => {
      const range = last.c !== first.c && last.c !== "unknown" && first.c !== "unknown" ? `git log ${last.c}..${first.c}` : null;
      return element("li", {}, element("b", { class: good ? "better" : "worse", text: good ? "Better" : "Worse" }),
        element("span", {}, `${number(before.mean)} → ${number(after.mean)} from `, element("a", { href: first.page, text: first.name }), state.by === "time" ? `, ${time(first.x)}` : `, commit ${first.c}`),
        range ? element("span", { class: "between" }, "commits in between: ", element("code", { text: range }), element("button", { type: "button", class: "plain-button", text: "copy", onclick: () => gittrack.copy(range, "The command is copied.") }))
          : element("span", { class: "between hint", text: last.c === first.c ? "the same code before and after" : "the code is not known" }));
    }) : [element("li", { class: "hint", text: "No level changed that chance would not explain." })]));
    return changes;
  }

  async function draw() {
    const charts = await vega.open();
    await index.ensure([`m:${state.metric}`]);
    const runs = collect();
    const list = points(runs);
    const cuts = gittrack.findSteps(list.map(({ y }) => y));
    const changes = drawChanges(list, cuts);
    made = list;
    byId("history-hint").textContent = `${gittrack.plural(runs.length, "run")}${state.by === "commit" ? ` of ${gittrack.plural(list.length, "commit")}` : ""}`;
    byId("history-none").hidden = list.length > 0;
    if (!list.length) { vega.remove(byId("history-chart")); byId("history-chart").replaceChildren(); return; }
    const template = vega.fill(charts[`history-${state.by}`], { $y: state.metric });
    const step = Math.max(1, list.length / MAX_POINTS);
    const shown = list.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step) || step === 1);
    const datasets = { runs: shown.map(({ first: _, ...point }) => point), changes: changes.map(({ first, good }) => ({ x: first.x, s: good ? "better" : "worse" })) };
    await vega.embed(byId("history-chart"), vega.withData(template, datasets), ({ page }) => address.leave(page));
    performance.mark("gittrack-ready");
  }
  const begin = () => { write(); draw().catch((error) => gittrack.say(error.message)); };

  function wire() {
    const metrics = [...index.columns.values()].filter(({ kind }) => kind === "m").map(({ key }) => key);
    byId("metric").replaceChildren(...metrics.map((key) => element("option", { value: key, text: key })));
    byId("experiment").append(...[...index.experiments].map(([id, name]) => element("option", { value: id, text: name })));
    byId("metric").value = state.metric;
    byId("experiment").value = state.experiment;
    byId("metric").addEventListener("change", () => { state.metric = byId("metric").value; begin(); });
    byId("experiment").addEventListener("change", () => { state.experiment = byId("experiment").value; begin(); });
    const buttons = [...document.querySelectorAll("[data-by]")];
    const press = () => { for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.by === state.by)); };
    press();
    for (const button of buttons) button.addEventListener("click", () => { state.by = button.dataset.by; press(); begin(); });
    const table = () => ({ heads: [state.by === "time" ? "started" : "commit", state.metric, "best so far", state.by === "time" ? "run" : "runs"], rows: made.map((point) => [state.by === "time" ? time(point.x) : point.c, point.y, point.best, point.name]) });
    byId("history-menu").addEventListener("click", () => gittrack.openMenu(byId("history-menu"), [...vega.entries(byId("history-chart"), `history of ${state.metric}`, table), null, ...gittrack.alone.entries("history", `History of ${state.metric}`, 420)]));
    gittrack.alone.show("history", byId("history-menu").closest("section"), `History of ${state.metric}`);
    document.addEventListener("gittrack-theme", () => draw());
  }

  gittrack.openIndex().then((opened) => {
    index = opened;
    state = read();
    if (!state.metric) { byId("history-none").hidden = false; return; }
    wire();
    begin();
  }).catch((error) => gittrack.say(error.message));
})();
