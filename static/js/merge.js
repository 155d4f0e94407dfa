/* 合并: the fields of a new branch stand there only while one is made, and the question names the branches.
   form[data-merge="name of this branch"] has radios "how" (into | new) and tick boxes "others". */
(() => {
  "use strict";

  const form = document.querySelector("form[data-merge]");
  if (!form) return;
  const effect = form.dataset.confirm;
  const rows = ["name", "short_name", "code"].map((field) => form.elements.namedItem(field)?.closest(".form-row"));

  function draw() {
    const made = form.querySelector("[name=how]:checked")?.value === "new";
    rows.forEach((row) => { if (row) row.hidden = !made; });
    const others = [...form.querySelectorAll("[name=others]:checked")].map((box) => box.closest("label")?.textContent.trim()
      || form.querySelector(`label[for="${box.id}"]`)?.textContent.trim());
    const own = form.dataset.merge;
    const into = made ? `合成“${form.elements.namedItem("name").value.trim() || "新的党支部"}”` : `并入${own}`;
    const who = made ? [own, ...others] : others;
    form.dataset.confirm = others.length ? `${who.join("、")}${into}。${effect}` : effect;
  }

  form.addEventListener("change", draw);
  form.addEventListener("input", draw);
  draw();
})();
