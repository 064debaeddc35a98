// A whole site in one file: puts its pages in place of one another, by what the address says behind `#/`.
//
// Every page begins with a document of its own, as it does where pages are files: a link loads this file again.
(function () {
  "use strict";
  const files = new Map(Object.entries(JSON.parse(document.getElementById("pack").textContent)));
  const pictures = new Map([...document.querySelectorAll("img[data-file]")].map((image) => [image.dataset.file, image.src]));
  const NOWHERE = "x://site/";

  // `#/runs.html?q=loss` is the page runs.html with the state that is else behind its `#`.
  function parse(hash) {
    const found = /^#\/([^?]+)(?:\?(.*))?$/u.exec(hash);
    return found ? { page: found[1], state: found[2] ?? "" } : { page: "index.html", state: "" };
  }
  const { page, state } = parse(location.hash);
  const missing = !files.has(page);
  const base = NOWHERE + (missing ? "index.html" : page);
  const link = (path, state_) => `#/${path}${state_ ? `?${state_}` : ""}`;

  async function text(path) {
    const bytes = Uint8Array.from(atob(files.get(path)), (char) => char.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  // Where an address on this page leads; null where that is no part of the file.
  function resolve(href) {
    const url = new URL(href, base);
    if (!url.href.startsWith(NOWHERE)) return href;
    const path = decodeURI(url.pathname.slice(1));
    return files.has(path) && path.endsWith(".html") ? link(path, url.hash.slice(1)) : null;
  }

  // A picture is in the text of the file already, or among what was packed, as it is.
  const picture = (path) => pictures.get(path) ?? files.get(path) ?? "data:,";

  function rewrite(body) {
    for (const node of body.querySelectorAll("a[href]")) {
      const href = node.getAttribute("href");
      if (href.startsWith("#")) continue;
      const to = resolve(href);
      if (to === null) node.removeAttribute("href"); else node.setAttribute("href", to);
    }
    for (const node of body.querySelectorAll("img[src]")) {
      const url = new URL(node.getAttribute("src"), base);
      if (url.href.startsWith(NOWHERE)) node.setAttribute("src", picture(url.pathname.slice(1)));
    }
    for (const frame of body.querySelectorAll("iframe")) {
      const note = document.createElement("p");
      note.className = "hint";
      note.textContent = "Logged pages are no part of a single file.";
      frame.replaceWith(note);
    }
    for (const node of body.querySelectorAll("script, noscript")) node.remove();
  }

  function run(source, attributes) {
    const script = document.createElement("script");
    for (const { name, value } of attributes) if (name.startsWith("data-")) script.setAttribute(name, name === "data-root" ? "" : value);
    script.textContent = source;
    document.head.append(script);
  }

  // What classic scripts do where there are files: an asset runs, data come as their key and value.
  async function load(path) {
    const name = path.replace(/\?\d+$/u, "");
    if (!files.has(name)) throw new Error("That is no part of this file: its oldest runs are only listed.");
    const source = await text(name);
    if (name.startsWith("assets/")) return run(source, []);
    const cut = source.indexOf("\n");
    return window.gittrack.put(source.slice(0, cut), source.slice(cut + 1));
  }

  async function mount() {
    const made = new DOMParser().parseFromString(await text(missing ? "index.html" : page), "text/html");
    const scripts = [...made.querySelectorAll("script[src]")].sort((a, b) => a.defer - b.defer);
    const sheets = [...made.querySelectorAll("link[rel=stylesheet]")];
    const path = (address) => new URL(address, base).pathname.slice(1);
    const [styles, sources] = await Promise.all([
      Promise.all(sheets.map((sheet) => text(path(sheet.getAttribute("href"))))),
      missing ? [] : Promise.all(scripts.map((script) => text(path(script.getAttribute("src"))))),
    ]);
    rewrite(made.body);
    if (missing) {
      const note = made.createElement("p");
      note.textContent = "This run is only listed in this file. ";
      note.append(Object.assign(made.createElement("a"), { href: "#/index.html", textContent: "Overview" }));
      made.querySelector("main").replaceChildren(note);
    }
    document.title = made.title;
    document.adoptedStyleSheets = styles.map((style, i) => {
      const sheet = new CSSStyleSheet({ media: sheets[i].media });
      sheet.replaceSync(style);
      return sheet;
    });
    document.querySelector("style").remove();
    document.body.className = made.body.className;
    document.body.replaceChildren(...made.body.childNodes);
    sources.forEach((source, i) => run(source, scripts[i].attributes));
    if (state && !state.includes("=")) document.getElementById(decodeURIComponent(state))?.scrollIntoView();
  }

  window.gittrackPack = { page, state, link, resolve, picture, load };
  // Before any page's own: another page is another document.
  addEventListener("hashchange", (event) => {
    if (parse(location.hash).page === page) {
      window.gittrackPack.state = parse(location.hash).state;
      return;
    }
    event.stopImmediatePropagation();
    location.reload();
  });
  // A place in this page: its address is taken.
  addEventListener("click", (event) => {
    const to = event.target.closest?.("a[href^='#']")?.getAttribute("href");
    if (!to || to.startsWith("#/") || event.defaultPrevented) return;
    event.preventDefault();
    document.getElementById(to.slice(1))?.scrollIntoView();
  });
  mount().catch((error) => {
    document.documentElement.classList.remove("packed");
    throw error;
  });
})();
