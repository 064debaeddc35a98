// The query bar: names and values offered while typing, and errors underlined where they are.
(function () {
  "use strict";
  const { byId, element } = gittrack;
  const MAX_OFFERED = 12;
  const MAX_VALUES = 400;
  const ATTRIBUTES = ["name", "status", "user", "experiment", "start_time", "end_time", "duration", "run_id", "parent", "code.commit", "datasets.name", "datasets.digest", "datasets.context"];
  const WORDS = ["AND", "OR", "NOT", "LIKE", "ILIKE", "IN", "BETWEEN", "IS NULL", "IS NOT NULL", "CHILDREN OF"];
  const KINDS = { m: "metrics", p: "params", t: "tags" };
  const VALUE = /(?:^|[\s(])(?:(\w+)\.)?(`(?:[^`]|``)*`|"(?:[^"]|"")*"|[^\s=!<>`'"()]+)\s*(?:=|==|!=|<>|<=?|>=?|I?LIKE|IN\s*\((?:[^()]*,)?)\s*('?[^'\s,()]*)$/iu;
  const NAME = /[^\s()<>=!,'"]*$/u;

  const quote = (key) => (/^[\w./-]+$/u.test(key) && !/\.(last|min|max|best)$/u.test(key) ? key : `\`${key.replaceAll("`", "``")}\``);
  const unquote = (text) => (/^[`"]/u.test(text) ? text.slice(1, -1).replaceAll(text[0] + text[0], text[0]) : text);

  // What may follow `before`: {from, options}; `from` is where what is replaced begins.
  function propose(before, fields) {
    const value = VALUE.exec(before);
    if (value) {
      const options = valuesOf(value[1], unquote(value[2]), fields);
      const begun = value[3];
      const wanted = begun.replace(/^'/u, "").toLowerCase();
      if (options) return { from: before.length - begun.length, options: options.filter((text) => text.toLowerCase().includes(wanted)).map((text) => (Number.isNaN(Number(text)) || text === "" ? `'${text.replaceAll("'", "''")}'` : text)) };
    }
    const begun = NAME.exec(before)[0];
    if (!begun) return { from: before.length, options: [] };
    const wanted = begun.toLowerCase();
    const keys = [...fields.index.columns.values()].filter(({ kind }) => kind in KINDS).map(({ kind, key }) => `${KINDS[kind]}.${quote(key)}`);
    const all = [...keys, ...ATTRIBUTES, ...WORDS];
    const rank = (text) => (text.toLowerCase().startsWith(wanted) ? 0 : text.toLowerCase().includes(`.${wanted}`) ? 1 : text.toLowerCase().includes(wanted) ? 2 : 3);
    return { from: before.length - begun.length, options: all.filter((text) => rank(text) < 3 && text.toLowerCase() !== wanted).sort((a, b) => rank(a) - rank(b)) };
  }

  function valuesOf(prefix, name, fields) {
    const kind = { metrics: "m", metric: "m", params: "p", param: "p", tags: "t", tag: "t" }[prefix?.toLowerCase()];
    if (kind === "m") return null;
    const column = kind ? `${kind}:${name}` : { status: "a:status", user: "a:user", experiment: "a:experiment", name: "name" }[name.toLowerCase()];
    if (!column || !fields.has(column) || !fields.index.ready(column)) return null;
    return [...new Set(fields.cells(column))].filter((cell) => cell !== null).slice(0, MAX_VALUES).map(String).sort();
  }

  // Wires an input inside its label; `onchange(text)` is told what it holds. `fieldsNow()` returns what is offered.
  function wire(input, fieldsNow, onchange) {
    const list = byId("query-options");
    const marks = byId("query-marks");
    let options = [], from = 0, current = -1;

    const hide = () => {
      options = [];
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const draw = () => {
      if (!options.length) return hide();
      list.replaceChildren(...options.map((text, i) => element("li", {
        role: "option", id: `query-option-${i}`, "aria-selected": String(i === current), text,
        onmousedown: (event) => { event.preventDefault(); take(i); },
      })));
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      if (current >= 0) {
        input.setAttribute("aria-activedescendant", `query-option-${current}`);
        list.children[current].scrollIntoView({ block: "nearest" });
      } else input.removeAttribute("aria-activedescendant");
    };
    const offer = () => {
      const before = input.value.slice(0, input.selectionStart);
      const found = propose(before, fieldsNow());
      ({ from } = found);
      options = found.options.slice(0, MAX_OFFERED);
      current = -1;
      draw();
    };
    const take = (i) => {
      const after = input.value.slice(input.selectionStart);
      const text = `${input.value.slice(0, from)}${options[i]} `;
      input.value = text + after.replace(/^ /u, "");
      input.setSelectionRange(text.length, text.length);
      onchange(input.value);
      offer();
    };

    input.addEventListener("input", () => { onchange(input.value); offer(); });
    input.addEventListener("blur", hide);
    input.addEventListener("scroll", () => { marks.scrollLeft = input.scrollLeft; });
    input.addEventListener("keydown", (event) => {
      const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (move && (options.length || event.key === "ArrowDown")) {
        event.preventDefault();
        if (!options.length) offer();
        if (options.length) current = (current + move + options.length + (current < 0 && move < 0 ? 1 : 0)) % options.length;
        draw();
      } else if ((event.key === "Enter" || event.key === "Tab") && current >= 0 && options.length) {
        event.preventDefault();
        take(current);
      } else if (event.key === "Escape") {
        if (options.length) hide();
        else if (!input.value) input.blur();
        else { input.value = ""; onchange(""); }
        event.preventDefault();
      }
    });
    return {
      // Underlines what an error is about; null clears.
      mark(error) {
        const text = input.value;
        if (!error) return marks.replaceChildren();
        const at = Math.min(error.at, text.length);
        const end = at + Math.max(1, /^[^\s()]*/u.exec(text.slice(at))[0].length);
        marks.replaceChildren(text.slice(0, at), element("u", { text: text.slice(at, end) || " " }), text.slice(end));
        marks.scrollLeft = input.scrollLeft;
      },
    };
  }

  Object.assign(gittrack, { proposeQuery: propose, wireQuery: wire });
})();
