// Elements: text is only ever text.
(function () {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";

  function fill(node, options, children) {
    for (const [name, value] of Object.entries(options || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "text") node.textContent = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  }
  const element = (tag, options, ...children) => fill(document.createElement(tag), options, children);
  const svg = (tag, options, ...children) => fill(document.createElementNS(SVG, tag), options, children);

  function debounce(act, ms) {
    let timer = 0;
    return (...values) => {
      clearTimeout(timer);
      timer = setTimeout(() => act(...values), ms);
    };
  }

  // Does what nobody waits for between frames; where browsers have no word for that, a little later.
  const whenIdle = (act) => (window.requestIdleCallback ? requestIdleCallback(act, { timeout: 400 }) : setTimeout(() => act({ timeRemaining: () => 0 }), 40));

  Object.assign(gittrack, { element, svg, debounce, whenIdle, byId: (id) => document.getElementById(id) });
})();
