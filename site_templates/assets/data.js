// Data as classic scripts: each registers its value here, since fetching fails under file://.
(function () {
  "use strict";
  const { root, manifest, early } = document.currentScript.dataset;
  const slots = new Map();
  const scripts = new Map();

  function slot(key) {
    if (!slots.has(key)) {
      const made = {};
      made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
      made.promise.catch(() => {});
      slots.set(key, made);
    }
    return slots.get(key);
  }

  // What a data script calls.
  function put(key, text) {
    const made = slot(JSON.parse(key));
    made.value = JSON.parse(text);
    made.resolve(made.value);
  }

  // The one file that holds all others, where that is what the page came with.
  const pack = window.gittrackPack ?? null;

  function script(path) {
    if (!scripts.has(path)) {
      scripts.set(path, pack ? pack.load(path) : new Promise((resolve, reject) => {
        const node = document.createElement("script");
        node.src = root + path;
        node.async = false;
        node.onload = resolve;
        node.onerror = () => reject(new Error("This site has been rebuilt since the page was opened: reload it."));
        document.head.append(node);
      }));
    }
    return scripts.get(path);
  }

  function load(key, path) {
    const made = slot(key);
    if (made.value === undefined) script(path).catch(made.reject);
    return made.promise;
  }

  // Asked for anew every minute: a page that never changes must not meet a manifest whose chunks are gone.
  const fresh = location.protocol === "file:" ? "" : `?${Math.floor(Date.now() / 60000)}`;

  const openManifest = () => load("manifest", manifest + fresh);
  // A page that shows all runs asks for them while its other scripts are still on their way. The runs page begins with
  // those in the manifest, unless these are not what its address asks for.
  const state = pack ? pack.state : location.hash;
  if (early !== undefined) {
    openManifest().then(({ segments, newest }) => {
      if (early !== "state" || !newest || state.includes("=")) segments.forEach(([path]) => script(path).catch(() => {}));
    }).catch(() => {});
  }

  window.gittrack = { root, pack, put, script, load, openManifest };
})();
