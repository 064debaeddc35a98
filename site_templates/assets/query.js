// The search language: text → syntax tree → a test of one row.
//
//   query   = or                      or  = and {OR and}        and = not {[AND] not}
//   not     = NOT not | "(" or ")" | comparison | words
//   comparison = key (= | == | != | <> | > | >= | < | <=) value | key [NOT] (LIKE | ILIKE | RLIKE) 'text'
//              | key [NOT] IN (value, …) | key [NOT] BETWEEN value AND value | key IS [NOT] NULL
//              | CHILDREN OF run
//   key     = [metrics. | params. | tags. | attributes. | datasets. | code.] name, the name plain, `quoted` or "quoted"
//   value   = number | 'text' | "text" | word | true | false | age, e.g. -7d or 2h
//
// A quote inside quotes is written twice. This is what gittrack/core/query.py reads, save that the index holds
// of the code only the commit, and that words alone search names here;
// tests/query_cases.json holds what both must find.
//
// Nodes: {type: "and" | "or", of: [node]}, {type: "not", of: node}, {type: "word", text},
// {type: "compare", key, operator, values, negated}, {type: "children", run}; a key is {kind, name, at}.
(function () {
  "use strict";

  class QueryError extends Error {
    constructor(message, at) {
      super(message);
      this.at = at;
    }
  }

  const TOKEN = /\s+|(?<string>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?<operator><=|>=|!=|<>|==|[=<>(),])|(?<word>(?:[^\s'"`<>=!(),]|`(?:[^`]|``)*`|(?<=\.)"(?:[^"]|"")*")+)|(?<bad>[^])/gu;
  const KINDS = {
    metric: "m", metrics: "m", param: "p", params: "p", parameter: "p", parameters: "p", tag: "t", tags: "t",
    attribute: "a", attributes: "a", attr: "a", run: "a", code: "c", dataset: "d", datasets: "d", input: "d", inputs: "d",
  };
  const FACTS = { c: ["commit"], d: ["name", "digest", "context"] };
  const METRIC_VALUES = ["last", "min", "max", "best"];
  const ATTRIBUTES = {
    name: "name", run_name: "name", "run name": "name", status: "status", user: "user", user_id: "user",
    start_time: "start", started: "start", created: "start", end_time: "end", ended: "end", run_id: "id", id: "id",
    experiment: "experiment", experiment_name: "experiment", experiment_id: "experiment_id", duration: "duration",
    parent: "parent", parent_run_id: "parent",
  };
  const LIKES = ["LIKE", "ILIKE", "RLIKE"];
  const WORDS = new Set(["AND", "OR", "NOT", ...LIKES, "IN", "BETWEEN", "IS", "NULL"]);
  const MAX_DEPTH = 100;
  const HEX = /^[0-9a-f]{4,}$/i;
  const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
  const SPECIAL = /^([+-]?)(nan|inf|infinity)$/i;
  const AGE = /^(.+)([smhdw])$/;
  const UNITS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
  const DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

  function tokenize(text) {
    const tokens = [];
    for (const match of text.matchAll(TOKEN)) {
      const { string, operator, word, bad } = match.groups;
      if (bad !== undefined) {
        const quote = bad === "'" || bad === '"' || bad === "`";
        throw new QueryError(quote ? `the quote ${bad} is never closed` : `unexpected ${bad}`, match.index);
      }
      if (string !== undefined) tokens.push({ type: "string", text: unquote(string), at: match.index });
      else if (operator !== undefined) tokens.push({ type: "operator", text: operator, at: match.index });
      else if (word !== undefined) tokens.push({ type: "word", text: word, at: match.index });
      if (string !== undefined) tokens.at(-1).quote = string[0];
    }
    tokens.push({ type: "end", text: "", at: text.length });
    return tokens;
  }

  function unquote(text) {
    return text.slice(1, -1).replaceAll(text[0] + text[0], text[0]);
  }

  class Parser {
    // `has(kind, name)` tells whether the index has a metric of that name, `isLower(name)` whether less of it is better.
    constructor(text, has, isLower) {
      this.tokens = tokenize(text);
      this.position = 0;
      this.depth = 0;
      this.has = has;
      this.isLower = isLower;
    }

    get next() { return this.tokens[this.position]; }
    take() { return this.tokens[this.position++]; }
    is(word) { return this.next.type === "word" && this.next.text.toUpperCase() === word; }
    isOperator(text) { return this.next.type === "operator" && this.next.text === text; }
    accept(word) { return this.is(word) ? this.take() : null; }

    expect(text, what) {
      if (!this.isOperator(text)) throw new QueryError(`expected ${what}`, this.next.at);
      return this.take();
    }

    parse() {
      if (this.next.type === "end") return null;
      const tree = this.or();
      if (this.next.type !== "end") throw new QueryError(`unexpected ${this.next.text}`, this.next.at);
      return tree;
    }

    or() {
      const parts = [this.and()];
      while (this.accept("OR")) parts.push(this.and());
      return parts.length > 1 ? { type: "or", of: parts } : parts[0];
    }

    and() {
      const parts = [this.not()];
      while (this.next.type !== "end" && !this.is("OR") && !this.isOperator(")")) {
        this.accept("AND");
        parts.push(this.not());
      }
      return parts.length > 1 ? { type: "and", of: parts } : parts[0];
    }

    not() {
      if (this.depth > MAX_DEPTH) throw new QueryError(`more than ${MAX_DEPTH} parentheses and NOTs inside one another`, this.next.at);
      this.depth++;
      const part = this.part();
      this.depth--;
      return part;
    }

    part() {
      if (this.accept("NOT")) return { type: "not", of: this.not() };
      if (this.isOperator("(")) {
        this.take();
        const inner = this.or();
        this.expect(")", "a closing parenthesis");
        return inner;
      }
      return this.comparison();
    }

    comparison() {
      const token = this.take();
      if (token.type === "word" && token.text.toUpperCase() === "CHILDREN" && this.accept("OF")) return this.children();
      if (token.type === "string" && !(token.quote === '"' && this.startsOperator())) return { type: "word", text: token.text };
      if (token.type === "operator" || token.type === "end" || (token.type === "word" && WORDS.has(token.text.toUpperCase()))) {
        throw new QueryError(token.type === "end" ? "something is missing here" : `unexpected ${token.text}`, token.at);
      }
      if (!this.startsOperator()) return { type: "word", text: token.text };
      const key = readKey(token, this.has, this.isLower);
      if (this.accept("IS")) {
        const not = this.accept("NOT") !== null;
        if (!this.accept("NULL")) throw new QueryError("expected NULL", this.next.at);
        return { type: "compare", key, operator: "NULL", values: [], negated: not };
      }
      const negated = this.accept("NOT") !== null;
      if (this.accept("IN")) return { type: "compare", key, operator: "IN", values: this.list(key), negated };
      if (this.accept("BETWEEN")) {
        const low = this.ordered(key);
        if (!this.accept("AND")) throw new QueryError("expected AND", this.next.at);
        return { type: "compare", key, operator: "BETWEEN", values: [low, this.ordered(key)], negated };
      }
      for (const word of LIKES) {
        if (this.is(word)) return this.like(key, word, negated);
      }
      if (negated) throw new QueryError("expected IN, LIKE, ILIKE, RLIKE or BETWEEN", this.next.at);
      const operator = this.take().text.replace("==", "=").replace("<>", "!=");
      const value = operator === "=" || operator === "!=" ? this.value(key) : this.ordered(key);
      return { type: "compare", key, operator, values: [value], negated: false };
    }

    children() {
      const token = this.take();
      const isRun = token.type === "string" || (token.type === "word" && !WORDS.has(token.text.toUpperCase()));
      const run = token.text[0] === "`" ? unquote(token.text) : token.text;
      if (!isRun || !run.trim()) throw new QueryError("expected a run", token.at);
      return { type: "children", run };
    }

    like(key, operator, negated) {
      const at = this.take().at;
      if (kindOf(key) !== "text") throw new QueryError(`${operator} is for text, and this is none`, at);
      const token = this.take();
      if (token.type !== "string") throw new QueryError("expected quoted text", token.at);
      if (operator === "RLIKE") {
        try {
          new RegExp(token.text, "u");
        } catch {
          throw new QueryError("no regular expression", token.at);
        }
      }
      return { type: "compare", key, operator, values: [{ text: token.text }], negated };
    }

    startsOperator() {
      const token = this.next;
      if (token.type === "operator") return !"(),".includes(token.text);
      if (token.type !== "word") return false;
      const word = token.text.toUpperCase();
      if (word === "NOT") {
        const after = this.tokens[this.position + 1];
        return after.type === "word" && ["IN", ...LIKES, "BETWEEN"].includes(after.text.toUpperCase());
      }
      return ["IS", "IN", ...LIKES, "BETWEEN"].includes(word);
    }

    list(key) {
      this.expect("(", "an opening parenthesis");
      const values = [this.value(key)];
      while (this.isOperator(",")) {
        this.take();
        if (this.isOperator(")")) break;
        values.push(this.value(key));
      }
      this.expect(")", "a comma or a closing parenthesis");
      return values;
    }

    ordered(key) {
      const at = this.next.at;
      const value = this.value(key);
      if (value.flag !== undefined) throw new QueryError(`${value.flag} is neither more nor less than anything`, at);
      return value;
    }

    // {number}, {text}, {flag} or, for times, {age}: seconds from now.
    value(key) {
      const token = this.take();
      const isWord = token.type === "word" && !WORDS.has(token.text.toUpperCase());
      if (token.type !== "string" && !isWord) throw new QueryError("expected a value", token.at);
      const number = isWord ? toNumber(token.text) : null;
      if (number !== null) return { number };
      const kind = kindOf(key);
      if (kind === "number") throw new QueryError("expected a number", token.at);
      if (kind === "text") return isWord ? readWord(token) : { text: token.text };
      const age = isWord ? readAge(token.text) : null;
      if (kind === "span") {
        if (age === null) throw new QueryError("expected a number of seconds", token.at);
        return { number: age };
      }
      if (age !== null && age <= 0) return { age };
      const time = readTime(token.text);
      if (time === null) throw new QueryError("expected a time, such as -7d or '2024-01-31'", token.at);
      return { number: time };
    }
  }

  // The number a text is, null if it is none.
  function toNumber(text) {
    if (NUMBER.test(text)) return Number(text);
    const special = SPECIAL.exec(text);
    if (!special) return null;
    return special[2].toLowerCase() === "nan" ? NaN : special[1] === "-" ? -Infinity : Infinity;
  }

  function readAge(text) {
    const match = AGE.exec(text);
    return match && NUMBER.test(match[1]) ? Number(match[1]) * UNITS[match[2]] : null;
  }

  // Milliseconds since the epoch; what names no zone is UTC.
  function readTime(text) {
    const match = DATE.exec(text);
    if (!match) return null;
    const [day, month] = [Number(text.slice(8, 10)), Number(text.slice(5, 7))];
    const time = Date.parse(text.replace(" ", "T") + (match[1] && !match[4] ? "Z" : ""));
    const last = new Date(Date.UTC(Number(text.slice(0, 4)), month, 0)).getUTCDate();
    return Number.isNaN(time) || day > last ? null : time;
  }

  function readWord(token) {
    const word = token.text.toLowerCase();
    if (word === "true" || word === "false") return { flag: word };
    const dot = word.indexOf(".");
    if (/[`"]/.test(word) || (dot > 0 && Object.hasOwn(KINDS, word.slice(0, dot)))) throw new QueryError("expected a value, not another key", token.at);
    return { text: token.text };
  }

  // What the values of a key are; params and tags are text that may read as numbers.
  function kindOf({ kind, name }) {
    if ("mlh".includes(kind)) return "number";
    if (kind !== "a") return "text";
    return name === "start" || name === "end" ? "time" : name === "duration" ? "span" : "text";
  }

  function readKey(token, has, isLower) {
    const bare = token.type === "string" || token.text.startsWith("`");
    const dot = bare ? -1 : token.text.indexOf(".");
    const prefix = dot > 0 ? token.text.slice(0, dot).toLowerCase() : "";
    const kind = Object.hasOwn(KINDS, prefix) ? KINDS[prefix] : undefined;
    const at = kind ? token.at + dot + 1 : token.at;
    const rest = kind ? token.text.slice(dot + 1) : token.text;
    if (kind && !rest) throw new QueryError(`expected a name after ${token.text}`, at);
    const quoted = token.type === "string" ? null : /^(`(?:[^`]|``)*`|"(?:[^"]|"")*")(?:\.(\w+))?$/u.exec(rest);
    if (!quoted && token.type !== "string" && /[`"]/u.test(rest)) throw new QueryError("a name is quoted in part", at);
    const name = quoted ? unquote(quoted[1]) : rest;
    const value = quoted?.[2];
    if (kind === "m") return { ...readMetric(name, value, Boolean(quoted), has, isLower, at), at: token.at };
    if (value !== undefined) throw new QueryError("a quoted name goes on after its quotes", at);
    if (kind in FACTS) return { kind, name: readFact(kind, name.toLowerCase(), at), at: token.at };
    if (kind && kind !== "a") return { kind, name, at: token.at };
    const attribute = name.toLowerCase();
    if (!Object.hasOwn(ATTRIBUTES, attribute)) {
      throw new QueryError(`no attribute ${name}: write metrics.${name}, params.${name} or tags.${name}`, token.at);
    }
    return { kind: "a", name: ATTRIBUTES[attribute], at: token.at };
  }

  function readFact(kind, name, at) {
    if (!FACTS[kind].includes(name)) throw new QueryError(kind === "c" ? "of the code only the commit can be searched here" : `a dataset has no ${name}: it has ${FACTS.d.join(", ")}`, at);
    return name;
  }

  // `loss.last` is `loss`, unless there is a metric called so; its extremes are columns of their own.
  function readMetric(name, value, isQuoted, has, isLower, at) {
    if (isQuoted && value !== undefined && !METRIC_VALUES.includes(value)) throw new QueryError(`a metric has no ${value}`, at);
    const dot = name.lastIndexOf(".");
    const part = isQuoted ? value : dot > 0 ? name.slice(dot + 1) : undefined;
    if (!METRIC_VALUES.includes(part) || (!isQuoted && has("m", name))) return { kind: "m", name };
    const metric = isQuoted ? name : name.slice(0, dot);
    const extreme = part === "best" ? (isLower(metric) ? "l" : "h") : { min: "l", max: "h" }[part];
    return { kind: extreme ?? "m", name: metric };
  }

  // The columns of the index a tree needs.
  function columnsOf(tree) {
    if (!tree || tree.type === "word" || tree.type === "children") return [];
    if (tree.type === "not") return columnsOf(tree.of);
    if (tree.type === "compare") return "acd".includes(tree.key.kind) ? [] : [`${tree.key.kind}:${tree.key.name}`];
    return tree.of.flatMap(columnsOf);
  }

  // A function of a row's number. `cells(key)` gives the cells of a key, null where it is unknown.
  function compile(tree, cells, names) {
    if (!tree) return () => true;
    switch (tree.type) {
      case "and": {
        const tests = tree.of.map((part) => compile(part, cells, names));
        return (row) => tests.every((test) => test(row));
      }
      case "or": {
        const tests = tree.of.map((part) => compile(part, cells, names));
        return (row) => tests.some((test) => test(row));
      }
      case "not": {
        const test = compile(tree.of, cells, names);
        return (row) => !test(row);
      }
      case "word": {
        const text = tree.text.toLowerCase();
        return (row) => names[row].toLowerCase().includes(text);
      }
      case "children":
        return compileChildren(tree.run, names, (name) => cells({ kind: "a", name }));
      default:
        return compileComparison(tree, cells(tree.key));
    }
  }

  // A run is named by its id, at least four digits of it, or its name.
  function compileChildren(run, names, attribute) {
    const ids = attribute("id"), parents = attribute("parent");
    const begin = HEX.test(run) ? run.toLowerCase() : null;
    const wanted = new Set([run, ...ids.filter((_, row) => names[row] === run)]);
    const isWanted = (id) => wanted.has(id) || (begin !== null && id.startsWith(begin));
    return (row) => typeof parents?.[row] === "string" && isWanted(parents[row]);
  }

  function compileComparison({ key, operator, values, negated }, column) {
    const missing = (row) => column === null || column[row] === null || column[row] === undefined;
    if (operator === "NULL") return (row) => missing(row) !== negated;
    const test = valueTest(key, operator, values, negated);
    // Of many datasets one that matches is enough.
    if (key.kind === "d") return (row) => !missing(row) && column[row].some(test);
    return (row) => !missing(row) && test(column[row]);
  }

  function valueTest(key, operator, values, negated) {
    if (LIKES.includes(operator)) {
      const pattern = patternOf(operator, values[0].text);
      return (cell) => pattern.test(textOf(cell)) !== negated;
    }
    const now = Date.now();
    const wanted = values.map((value) => (value.age === undefined ? value : { number: now + value.age * 1000 }));
    const folded = key.kind === "a" && key.name === "status";
    const is = (relation, value) => (key.kind === "c" && HEX.test(value.text) ? commitTest(relation, value.text.toLowerCase()) : comparison(relation, value, folded));
    if (operator === "IN") {
      const tests = wanted.map((value) => is("=", value));
      return (cell) => tests.some((test) => test(cell)) !== negated;
    }
    if (operator === "BETWEEN") {
      const [low, high] = [is(negated ? "<" : ">=", wanted[0]), is(negated ? ">" : "<=", wanted[1])];
      return negated ? (cell) => low(cell) || high(cell) : (cell) => low(cell) && high(cell);
    }
    return is(operator, wanted[0]);
  }

  // The index has a commit's first digits, and so may whoever asks.
  function commitTest(relation, begin) {
    const fits = (cell) => cell.startsWith(begin) || begin.startsWith(cell);
    if (relation === "=") return fits;
    return relation === "!=" ? (cell) => !fits(cell) : (cell) => RELATIONS[relation](cell, begin);
  }

  function patternOf(operator, text) {
    if (operator === "RLIKE") return new RegExp(text, "u");
    const escaped = text.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&");
    return new RegExp(`^${escaped.replace(/%+/gu, ".*").replaceAll("_", ".")}$`, operator === "ILIKE" ? "isu" : "su");
  }

  const RELATIONS = {
    "=": (left, right) => left === right || (left !== left && right !== right),
    ">": (left, right) => left > right,
    ">=": (left, right) => left >= right,
    "<": (left, right) => left < right,
    "<=": (left, right) => left <= right,
  };

  // What is not equal is unequal, NaN and text against numbers too; nothing else is true of them.
  function comparison(relation, value, folded) {
    if (relation === "!=") {
      const equal = comparison("=", value, folded);
      return (cell) => !equal(cell);
    }
    const holds = RELATIONS[relation];
    if (value.flag !== undefined) return (cell) => String(cell).toLowerCase() === value.flag;
    if (value.number !== undefined) {
      return (cell) => {
        const number = typeof cell === "number" ? cell : toNumber(cell);
        return number !== null && holds(number, value.number);
      };
    }
    const text = folded && relation === "=" ? value.text.toUpperCase() : value.text;
    // The index has 1.0 as 1, and Python writes both.
    if (relation === "=") return (cell) => textOf(cell) === text || (Number.isInteger(cell) && `${textOf(cell)}.0` === text);
    return (cell) => holds(textOf(cell), text);
  }

  // A number as Python writes it: 1e-05, where JavaScript has 0.00001.
  function textOf(cell) {
    if (typeof cell !== "number" || Number.isInteger(cell)) return String(cell);
    if (!Number.isFinite(cell)) return Number.isNaN(cell) ? "nan" : cell > 0 ? "inf" : "-inf";
    const [digits, exponent] = cell.toExponential().split("e");
    return Number(exponent) >= -4 ? String(cell) : `${digits}e-${exponent.slice(1).padStart(2, "0")}`;
  }

  gittrack.query = { parse: (text, has = () => false, isLower = () => false) => new Parser(text, has, isLower).parse(), compile, columnsOf, QueryError };
})();
