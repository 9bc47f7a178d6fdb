// One key per answer on the review page; without it the buttons do the same.
(() => {
  "use strict";
  let sent = false;
  const typing = (place) => place instanceof Element && place.closest("input, select, textarea");
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const key = event.key.toLowerCase();
    const place = document.querySelector(`[data-focus="${CSS.escape(key)}"]`);
    if (place) {
      event.preventDefault();
      place.closest("details").open = true;
      place.focus();
      return;
    }
    const button = document.querySelector(`button[data-key="${CSS.escape(key)}"]`);
    if (button && !sent) {
      event.preventDefault();
      button.click();
    }
  });
  // a second press while the page is on its way must not answer the next mention
  addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => {
    sent = false;
  });
  // a chosen class is not typed further: the next key is an answer again
  for (const select of document.querySelectorAll("select[data-focus]")) {
    select.addEventListener("change", () => select.blur());
  }
  const all = document.querySelector("[data-all]");
  if (all) {
    all.closest("label").hidden = false;
    all.addEventListener("change", () => {
      for (const box of all.form.querySelectorAll("input[type=checkbox][name]")) box.checked = all.checked;
    });
  }
})();
