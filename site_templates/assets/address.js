// The page's state in its address, and the addresses of other pages.
(function () {
  "use strict";
  const { root, pack } = gittrack;
  const readable = (value) => encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%20", "+");

  // Within a list only what would end an entry is escaped.
  const escape = (text) => text.replaceAll("%", "%25").replaceAll(",", "%2C");

  // A page of the site with a state, and the state of this one.
  const link = (page, state) => (pack ? pack.link(page, state) : `${root}${page}${state ? `#${state}` : ""}`);
  const stateHere = () => (pack ? pack.state : location.hash.slice(1));
  const pageHere = () => (pack ? pack.page : location.pathname.split("/").pop());

  // The card that alone is shown, null where it is the page: it stays in the address whatever the page writes there.
  const alone = new URLSearchParams(stateHere()).get("alone");

  // To another page; out of the frame, where there may be one.
  const leave = (href) => { if (alone === null) location.href = href; else open(href, "_top"); };

  // Where one chart or table stands alone, to be framed by another page.
  gittrack.embedAddress = (values) => `${root}embed.html#${Object.entries(values).filter(([, value]) => value).map(([key, value]) => `${key}=${readable(value)}`).join("&")}`;

  const attribute = (text) => text.replace(/[&"<>]/gu, (char) => `&#${char.charCodeAt(0)};`);

  // What another page holds to frame it.
  gittrack.copyFrame = (address, title, height) => gittrack.copy(
    `<iframe src="${attribute(new URL(address, location.href).href)}" title="${attribute(title)}" width="100%" height="${height}" loading="lazy" style="border: 0"></iframe>`,
    "An iframe is copied: paste it into a page.",
  );

  gittrack.address = {
    link,
    stateHere,
    pageHere,
    // To another page by its address as it would be on this one.
    go(href) { leave(pack ? pack.resolve(href) ?? "#/" : href); },
    leave,
    alone,
    read: () => new URLSearchParams(stateHere()),
    write(values) {
      const parts = Object.entries({ ...values, alone })
        .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
        .map(([key, value]) => `${key}=${readable(value === true ? "1" : value)}`);
      const state = parts.join("&");
      // Browsers take their time even for an address that stays as it is.
      if (!pack && state === stateHere() && !location.href.endsWith("#")) return;
      if (pack) pack.state = state;
      history.replaceState(null, "", pack ? link(pack.page, state) : state ? `#${state}` : location.pathname + location.search);
    },
    ids: (text) => (text ? text.split(",").map(decodeURIComponent) : []),
    join: (ids) => ids.map(escape).join(","),
    escape,
    compare: (ids) => link("compare.html", ids.length ? `runs=${ids.map((id) => encodeURIComponent(encodeURIComponent(id))).join(",")}` : ""),
    runs: (query) => link("runs.html", query ? `q=${readable(query)}` : ""),
    page: (id, slug) => link(`runs/${slug || id}.html`),
  };
})();
