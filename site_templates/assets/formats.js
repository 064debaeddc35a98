// Numbers, times and sizes as text; the generator has the same rules for pages without scripts.
(function () {
  "use strict";

  function number(value) {
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
    if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
    const size = Math.abs(value);
    if (Number.isInteger(value) && size < 1e15) return String(value);
    if (size < 1e-3 || size >= 1e6) return value.toExponential(2).replace("e+", "e");
    if (size >= 1e4) return value.toFixed(1).replace(/\.0$/, "");
    const text = value.toFixed(Math.max(0, 3 - Math.floor(Math.log10(size))));
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  }

  // A mean and how far its runs lie apart, to the digit that the deviation can support.
  function spread(mean, std) {
    if (std === null || !Number.isFinite(std) || !Number.isFinite(mean)) return std === null ? number(mean) : `${number(mean)} ± ${number(std)}`;
    if (std === 0) return `${number(mean)} ± 0`;
    const power = Math.floor(Math.log10(std));
    // A deviation that begins with 1 or 2 gets a second digit, as physicists have it.
    const digits = Math.max(0, Math.min(12, (std / 10 ** power < 2.95 ? 1 : 0) - power));
    const size = Math.abs(mean);
    if (size >= 1e6 || (size > 0 && size < 1e-4)) return `${number(mean)} ± ${number(std)}`;
    return `${mean.toFixed(digits)} ± ${std.toFixed(digits)}`;
  }

  const two = (part) => String(part).padStart(2, "0");
  function time(ms) {
    const at = new Date(ms);
    if (Number.isNaN(at.getTime())) return "";
    return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())} ` +
      `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  }
  function ago(ms) {
    const seconds = (Date.now() - ms) / 1000;
    if (seconds < 0) return time(ms);
    if (seconds < 60) return "just now";
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
    if (seconds < 86400 * 60) return `${Math.floor(seconds / 86400)} d ago`;
    return time(ms).slice(0, 10);
  }
  function duration(seconds) {
    if (seconds < 1) return `${Math.round(Math.max(seconds, 0) * 1000)} ms`;
    if (seconds < 60) return `${seconds.toFixed(1)} s`;
    let whole = Math.round(seconds);
    const parts = [];
    for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
      if (whole >= size || parts.length) {
        parts.push([Math.floor(whole / size), name]);
        whole %= size;
      }
    }
    return parts.slice(0, 2).filter(([count]) => count).map(([count, name]) => `${count} ${name}`).join(" ");
  }

  function size(bytes) {
    if (bytes < 1000) return `${bytes} B`;
    const power = Math.min(5, Math.floor(Math.log10(bytes) / 3));
    return `${(bytes / 1000 ** power).toFixed(1)} ${["kB", "MB", "GB", "TB", "PB"][power - 1]}`;
  }

  const special = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };
  const toNumber = (value) => (typeof value === "string" && value in special ? special[value] : value);
  const plural = (count, one, many) => `${count} ${count === 1 ? one : many ?? `${one}s`}`;

  Object.assign(gittrack, { number, spread, time, ago, duration, size, toNumber, plural });
})();
