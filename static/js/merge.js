/* 合并: the fields of a new branch stand there only while one is made, and the question names the branches that go and
   what becomes of their open business. form[data-merge="name of this branch"][data-merge-id="its id"] has radios "how"
   (into | new) and tick boxes "others"; #merge-open holds { id: { name, lines } }. */
(() => {
  "use strict";

  const form = document.querySelector("form[data-merge]");
  if (!form) return;
  const effect = form.dataset.confirm;
  const known = JSON.parse(document.getElementById("merge-open")?.textContent || "{}");
  const rows = ["name", "short_name", "code"].map((field) => form.elements.namedItem(field)?.closest(".form-row"));

  function draw() {
    const made = form.querySelector("[name=how]:checked")?.value === "new";
    rows.forEach((row) => { if (row) row.hidden = !made; });
    const others = [...form.querySelectorAll("[name=others]:checked")].map((box) => box.value);
    const own = form.dataset.merge;
    const named = (id) => known[id]?.name || own;
    const into = made ? `合成“${form.elements.namedItem("name").value.trim() || "新的党支部"}”` : `并入${own}`;
    const gone = made ? [form.dataset.mergeId, ...others] : others;
    const lines = new Set(gone.flatMap((id) => known[id]?.lines || []));
    const open = [...lines].map((line) => `${line}。`).join("");
    form.dataset.confirm = others.length ? `${gone.map(named).join("、")}${into}。${effect}${open}` : effect;
  }

  form.addEventListener("change", draw);
  form.addEventListener("input", draw);
  draw();
})();
