// Code and environment of compared runs: folders and files are loaded as far as they differ.
(function () {
  "use strict";
  const { byId, element } = gittrack;
  const FOLDER = 0o040000;
  const GITLINK = 0o160000;
  const MOST_FILES = 200;
  const MOST_ROWS = 400;
  const OPEN_FILES = 5;

  const load = (id, language) => {
    const more = language ? `.${language}` : "";
    return gittrack.load(`code/${id}${more}`, `data/code/${id.slice(0, 2)}/${id.slice(2)}${more}.js`);
  };
  const isFolder = (entry) => entry !== undefined && entry[0] === FOLDER;

  async function descend(path, old, now, found) {
    const [left, right] = await Promise.all([old, now].map((entry) => (isFolder(entry) ? load(entry[1]) : {})));
    for (const name of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
      const [a, b] = [left[name], right[name]];
      if (a && b && a[0] === b[0] && a[1] === b[1]) continue;
      if (isFolder(a) || isFolder(b)) await descend(`${path}${name}/`, a, b, found);
      const files = [a, b].map((entry) => (isFolder(entry) ? undefined : entry));
      if (files[0] || files[1]) found.push({ path: path + name, old: files[0], now: files[1] });
      if (found.length > MOST_FILES) return;
    }
  }

  async function read(entry) {
    if (!entry) return { text: "" };
    return entry[0] === GITLINK ? { text: `commit ${entry[1]}\n` } : load(entry[1], entry[2]);
  }

  // Each line of a text in pieces of one kind, by its marks: lengths and kinds in turn.
  function cutLines({ text, marks = [] }) {
    const lines = [[]];
    let at = 0;
    for (let i = 0; i < marks.length; i += 2) {
      const parts = text.slice(at, at += marks[i]).split("\n");
      parts.forEach((part, n) => {
        if (n > 0) lines.push([]);
        if (part) lines.at(-1).push([marks[i + 1], part]);
      });
    }
    return lines;
  }
  const paint = (pieces) => pieces.map(([kind, text]) => (kind ? element("i", { class: `t${kind}`, text }) : text));

  const SIGNS = { add: "+", del: "-", at: "" };
  function draw(file, old, now, open) {
    const kind = !file.old ? "added" : !file.now ? "removed" : "changed";
    const notice = old.notice ?? now.notice;
    const rows = notice ? [] : gittrack.diff.compare(old.text, now.text);
    const sides = [old, now].map((side) => (side.marks ? cutLines(side) : null));
    const line = ([kind, text, at]) => {
      const pieces = kind === "at" ? null : sides[kind === "del" ? 0 : 1]?.[at];
      return element("span", { class: kind || null }, SIGNS[kind] ?? " ", ...(pieces ? paint(pieces) : [text]));
    };
    const cut = notice ?? (rows.length > MOST_ROWS ? `${rows.length - MOST_ROWS} more lines` : !rows.length && kind === "changed" ? `mode ${file.old[0].toString(8)} → ${file.now[0].toString(8)}` : null);
    return element("details", { class: "diff-file", open },
      element("summary", {}, element("code", { text: file.path, dir: "auto" }), " ", element("span", { class: "hint", text: kind })),
      rows.length ? element("pre", { class: "diff", tabindex: "0" }, ...rows.slice(0, MOST_ROWS).map(line)) : null,
      cut ? element("p", { class: "hint cut", text: cut }) : null);
  }

  async function showCode(base, other) {
    const box = byId("code-files");
    if (base.tree === other.tree) {
      byId("code-hint").textContent = `${other.name} has the same code as ${base.name}`;
      return box.replaceChildren();
    }
    try {
      const found = [];
      await descend("", [FOLDER, base.tree], [FOLDER, other.tree], found);
      const shown = found.slice(0, MOST_FILES);
      const texts = await Promise.all(shown.map((file) => Promise.all([read(file.old), read(file.now)])));
      byId("code-hint").textContent = `${gittrack.plural(shown.length, "file")} of ${other.name} differ from ${base.name}`;
      box.replaceChildren(...shown.map((file, i) => draw(file, ...texts[i], i < OPEN_FILES)), ...(found.length > MOST_FILES ? [element("p", { class: "hint cut", text: `The first ${MOST_FILES} files are shown.` })] : []));
    } catch {
      byId("code-hint").textContent = `${other.name} has other code than ${base.name}`;
      box.replaceChildren(element("p", { class: "hint cut", text: "The code of one of them was not in the clone that built this site." }));
    }
  }

  function drawCode(runs) {
    const known = runs.filter((run) => run.tree);
    byId("code").hidden = known.length < 2;
    if (known.length < 2) return;
    const others = known.slice(1);
    const choice = byId("code-other");
    choice.replaceChildren(...others.map((run, i) => element("option", { value: String(i), text: run.name || run.id })));
    byId("code-against").hidden = others.length < 2;
    const first = others.findIndex((run) => run.tree !== known[0].tree);
    choice.value = String(Math.max(first, 0));
    const show = () => showCode(known[0], others[Number(choice.value)]);
    choice.onchange = show;
    show();
  }

  async function drawEnvironment(runs) {
    const known = runs.filter((run) => run.environment);
    byId("environment").hidden = known.length < 2;
    if (known.length < 2) return;
    const locks = await Promise.all(known.map((run) => gittrack.load(`environment/${run.environment[0]}`, run.environment[1])));
    const held = locks.map((lock) => new Map(Object.entries(lock)));
    byId("environment-hint").textContent = gittrack.differing.draw(byId("packages"), "Package", known, held, "package");
  }

  gittrack.code = { draw(runs) { drawCode(runs); drawEnvironment(runs).catch(() => { byId("environment").hidden = true; }); } };
})();
