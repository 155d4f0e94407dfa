/* 支部基本情况: the sum of 正式 and 预备 beside the heading, while typing. */
(() => {
  "use strict";
  const form = document.getElementById("profile");
  const out = document.querySelector("[data-member-total]");
  if (!form || !out) return;
  const number = (name) => {
    const text = form.elements.namedItem(name)?.value.trim() ?? "";
    return /^\d+$/.test(text) ? Number(text) : null;
  };
  const show = () => {
    const full = number("full_members");
    const probationary = number("probationary_members");
    out.textContent = full === null || probationary === null ? "—" : String(full + probationary);
  };
  form.addEventListener("input", show);
  form.addEventListener("zhibu:restored", show);
})();
