// Makes phone pictures small before they are sent: a shop's network is slow, and 48-megapixel
// pictures would be refused. Without it the form works as it is.
(() => {
  "use strict";
  const form = document.querySelector("form[data-photos]");
  const input = form && form.querySelector("input[type=file]");
  if (!input || typeof createImageBitmap === "undefined" || typeof DataTransfer === "undefined") return;
  const EDGE = 1600; // pixels: text on a label stays readable
  const button = form.querySelector("button");
  const label = button.textContent;

  async function smaller(file) {
    if (file.size < 400 * 1024) return file;
    try {
      const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, EDGE / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.82));
      return blob && blob.size < file.size ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file;
    } catch {
      return file; // the server says what is wrong with it
    }
  }

  input.addEventListener("change", async () => {
    button.disabled = true;
    const chosen = new DataTransfer();
    for (const file of [...input.files].slice(0, Number(form.dataset.photos))) chosen.items.add(await smaller(file));
    input.files = chosen.files;
    button.disabled = false;
  });
  form.addEventListener("submit", () => {
    button.disabled = true;
    button.textContent = "发送中…";
  });
  addEventListener("pageshow", () => {
    button.disabled = false;
    button.textContent = label;
  });
})();
