// Counts what is ticked on a cluster's page and shows the buttons only then; without it they stand.
(() => {
  "use strict";
  const bar = document.querySelector("[data-picked]");
  const form = bar && document.getElementById(bar.dataset.picked);
  if (!form) return;
  const boxes = [...form.elements].filter((one) => one.type === "checkbox" && one.name);
  const all = document.querySelector("[data-all]");
  const said = bar.querySelector("[role=status]");

  function count() {
    const n = boxes.filter((one) => one.checked).length;
    bar.classList.toggle("some", n > 0);
    bar.hidden = n === 0;
    said.textContent = `已选 ${n} 条，转发跟着原文走：`;
    if (all) {
      all.checked = n === boxes.length;
      all.indeterminate = n > 0 && n < boxes.length;
    }
  }

  if (all) {
    all.closest("label").hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      count();
    });
  }
  for (const box of boxes) box.addEventListener("change", count);
  addEventListener("pageshow", count); // a browser that goes back keeps the ticks
  count();
})();
