// The text of a single file is for who has no scripts, or old ones: else its pages come in its place.
if (window.DecompressionStream && Document.prototype.hasOwnProperty("adoptedStyleSheets")) document.documentElement.classList.add("packed");
