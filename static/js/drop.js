/* A file dropped on [data-drop] goes into the file field inside; the name is said, the form waits for its button. */
(() => {
  "use strict";
  document.querySelectorAll("[data-drop]").forEach((place) => {
    const field = place.querySelector("input[type=file]");
    const said = place.querySelector("[data-drop-said]");
    if (!field) return;
    const nothing = said ? said.textContent : "";
    const show = () => { if (said) said.textContent = field.files.length > 1 ? `已选择 ${field.files.length} 个文件` : field.files.length ? `已选择 ${field.files[0].name}` : nothing; };
    ["dragenter", "dragover"].forEach((kind) => place.addEventListener(kind, (event) => {
      event.preventDefault();
      place.classList.add("is-over");
    }));
    ["dragleave", "drop"].forEach((kind) => place.addEventListener(kind, () => place.classList.remove("is-over")));
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!event.dataTransfer.files.length) return;
      field.files = event.dataTransfer.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
    field.addEventListener("change", show);
  });
})();
