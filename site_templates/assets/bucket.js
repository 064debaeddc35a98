// Which of some buckets a text falls into: FNV-1a, as the generator cuts the index.
(function () {
  "use strict";
  const encoder = new TextEncoder();

  gittrack.bucketOf = (text, count) => {
    let hash = 0x811c9dc5;
    for (const byte of encoder.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return ((hash ^ (hash >>> 16)) >>> 0) % count;
  };
})();
