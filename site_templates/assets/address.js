// The page's state in its address, and the addresses of other pages.
(function () {
  "use strict";
  const { root } = gittrack;
  const readable = (value) => encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%20", "+");

  // Within a list only what would end an entry is escaped.
  const escape = (text) => text.replaceAll("%", "%25").replaceAll(",", "%2C");

  // Where one chart or table stands alone, to be framed by another page.
  gittrack.embedAddress = (values) => `${root}embed.html#${Object.entries(values).filter(([, value]) => value).map(([key, value]) => `${key}=${readable(value)}`).join("&")}`;

  const attribute = (text) => text.replace(/[&"<>]/gu, (char) => `&#${char.charCodeAt(0)};`);

  // What another page holds to frame it.
  gittrack.copyFrame = (address, title, height) => gittrack.copy(
    `<iframe src="${attribute(new URL(address, location.href).href)}" title="${attribute(title)}" width="100%" height="${height}" loading="lazy" style="border: 0"></iframe>`,
    "An iframe is copied: paste it into a page.",
  );

  gittrack.address = {
    read: () => new URLSearchParams(location.hash.slice(1)),
    write(values) {
      const parts = Object.entries(values)
        .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
        .map(([key, value]) => `${key}=${readable(value === true ? "1" : value)}`);
      history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.pathname + location.search);
    },
    ids: (text) => (text ? text.split(",").map(decodeURIComponent) : []),
    join: (ids) => ids.map(escape).join(","),
    escape,
    compare: (ids) => `${root}compare.html` + (ids.length ? `#runs=${ids.map((id) => encodeURIComponent(encodeURIComponent(id))).join(",")}` : ""),
    runs: (query) => `${root}runs.html` + (query ? `#q=${readable(query)}` : ""),
    page: (id, slug) => `${root}runs/${slug || id}.html`,
  };
})();
