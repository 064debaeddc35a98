// How curves are drawn: the bar of controls above them, and its part of the address.
(function () {
  "use strict";
  const { byId, element } = gittrack;
  const BANDS = [["std", "± std"], ["sem", "± s.e.m."], ["ci", "95 % CI"], ["range", "min – max"], ["none", "no band"]];

  function read(params) {
    const smoothing = Number(params.get("smooth"));
    const number = (text) => (text === undefined || text === "" ? NaN : Number(text));
    const [range, axis] = (params.get("zoom") ?? "").split("@");
    const [min, max] = range.split("..").map(number);
    return {
      x: params.get("x") || "auto",
      smoothing: smoothing > 0 && smoothing < 1 ? smoothing : 0,
      log: params.get("scale") === "log",
      outliers: params.get("outliers") === "hide",
      band: BANDS.some(([name]) => name === params.get("band")) ? params.get("band") : "std",
      zoom: Number.isFinite(min) && Number.isFinite(max) && max > min ? { min, max, axis } : null,
    };
  }

  function write({ x, smoothing, log, outliers, band, zoom }) {
    const digits = (value) => Number(value.toPrecision(6));
    return {
      x: x === "auto" ? null : x, smooth: smoothing || null, scale: log ? "log" : null, outliers: outliers ? "hide" : null,
      band: band === "std" ? null : band, zoom: zoom ? `${digits(zoom.min)}..${digits(zoom.max)}${zoom.axis ? `@${zoom.axis}` : ""}` : null,
    };
  }

  // Wires whichever of the controls the page has; `changed()` is called after each change, `defined` says whether
  // an experiment defines what a metric is drawn over, `several` whether there are runs to order by their commits.
  function wire(options, gallery, metrics, changed, { defined = false, several = false } = {}) {
    const set = (part) => {
      Object.assign(options, part);
      gallery.set(part);
      changed();
    };
    const slider = byId("smoothing");
    if (slider) {
      const show = () => { slider.parentElement.querySelector("output").textContent = options.smoothing.toFixed(2); };
      let waiting = 0;
      slider.value = options.smoothing;
      show();
      slider.addEventListener("input", () => {
        options.smoothing = Number(slider.value);
        show();
        cancelAnimationFrame(waiting);
        waiting = requestAnimationFrame(() => set({ smoothing: options.smoothing }));
      });
    }
    const scales = [...document.querySelectorAll("[data-scale]")];
    const press = () => { for (const button of scales) button.setAttribute("aria-pressed", String((button.dataset.scale === "log") === options.log)); };
    press();
    for (const button of scales) button.addEventListener("click", () => { set({ log: button.dataset.scale === "log" }); press(); });
    const outliers = byId("outliers");
    if (outliers) {
      outliers.checked = options.outliers;
      outliers.addEventListener("change", () => set({ outliers: outliers.checked }));
    }
    const axis = byId("x-axis");
    if (axis) {
      const epochs = metrics.filter((key) => /(^|[/._])epoch$/iu.test(key));
      const named = [...(defined ? [["auto", "as defined"], ["step", "step"]] : [["auto", "step"]]), ["relative", "relative time"], ["time", "wall time"], ...(several ? [["commit", "commit"]] : []), ...epochs.map((key) => [`m:${key}`, key])];
      const others = metrics.filter((key) => !epochs.includes(key)).slice(0, 300);
      axis.replaceChildren(...named.map(([value, text]) => element("option", { value, text })),
        ...(others.length ? [element("optgroup", { label: "any metric" }, ...others.map((key) => element("option", { value: `m:${key}`, text: key })))] : []));
      axis.value = options.x;
      if (axis.value !== options.x) { options.x = "auto"; axis.value = "auto"; }
      axis.onchange = () => { gallery.zoom(null); set({ x: axis.value, zoom: null }); };
    }
    const bands = byId("band");
    if (bands) {
      bands.replaceChildren(...BANDS.map(([value, text]) => element("option", { value, text })));
      bands.value = options.band;
      bands.onchange = () => set({ band: bands.value });
    }
    const reset = byId("reset-zoom");
    gallery.onzoom = (range) => {
      options.zoom = range;
      if (reset) reset.hidden = range === null;
      changed();
    };
    if (reset) {
      reset.hidden = options.zoom === null;
      reset.onclick = () => gallery.zoom(null);
    }
  }

  gittrack.curveOptions = { read, write, wire };
})();
