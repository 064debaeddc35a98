// What this browser remembers of this site: nothing, where that is forbidden.
(function () {
  "use strict";
  const scope = new URL(gittrack.root || "./", location.href).pathname;

  const stored = {
    get(key) { try { return localStorage.getItem(key); } catch { return null; } },
    set(key, value) {
      try {
        if (value === null) localStorage.removeItem(key); else localStorage.setItem(key, value);
      } catch { /* Not allowed to remember: then the choice lasts as long as the page. */ }
    },
  };

  // Runs put aside for comparing.
  const basketKey = `gittrack-basket:${scope}`;
  const basket = {
    read() {
      try {
        const ids = JSON.parse(stored.get(basketKey) || "[]");
        return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
      } catch { return []; }
    },
    write: (ids) => stored.set(basketKey, ids.length ? JSON.stringify(ids) : null),
  };

  Object.assign(gittrack, { stored, basket });
})();
