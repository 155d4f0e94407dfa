/* Points in steps: buttons, arrow keys, typing; and running sums over a form.
   Markup: templates/components/stepper.html. A place with data-tally-in="all s3" counts in the sums "all" and "s3"; with
   data-tally-kind="deduct", "bonus" or "fixed" (data-tally-value) as such; with data-counted="7" by the numbers in
   [data-events="7"]; as done while the field data-tally-na names is ticked. [data-tally-section="s3"] with data-most
   bounds a section's sum.
   [data-tally-sum="s3"] shows the sum, [data-tally-done="s3"] how many are filled, [data-tally-of="s3"] how many there are,
   [data-tally-full="s3"] the points of those filled. */
(() => {
  "use strict";

  /* Hundredths, so that no sum is ever off by a binary fraction. null for an empty field, NaN for what is no figure. */
  function hundredths(text) {
    const plain = text.trim().replace(/[０-９．。]/g, (c) => ("．。".includes(c) ? "." : String.fromCharCode(c.charCodeAt(0) - 0xfee0)));
    if (plain === "") return null;
    return /^\d+(\.\d{1,2})?$/.test(plain) ? Math.round(Number(plain) * 100) : NaN;
  }

  function shown(value) {
    return value % 10 === 0 ? (value / 100).toFixed(1) : (value / 100).toFixed(2);
  }

  function fault(input) {
    const value = hundredths(input.value);
    if (value === null) return "";
    const full = hundredths(input.dataset.max || "") ?? Infinity;
    const least = hundredths(input.dataset.min || "") ?? 0;
    const step = hundredths(input.dataset.step || "") || 1;
    if (Number.isNaN(value)) return "请填数字";
    if (value > full) return `最高 ${input.dataset.max} 分`;
    if (value < least) return `最低 ${input.dataset.min} 分`;
    if ((value - least) % step !== 0) return `按 ${input.dataset.step} 分一档填写`;
    return "";
  }

  function mark(input) {
    const message = fault(input);
    const box = input.closest(".stepper");
    const place = input.closest("[data-stepper-row]") || box?.parentElement;
    let line = place?.querySelector("[data-stepper-error]");
    box?.classList.toggle("is-invalid", Boolean(message));
    input.toggleAttribute("aria-invalid", Boolean(message));
    if (message) input.setAttribute("aria-invalid", "true");
    if (message && place && !line) {
      line = document.createElement("div");
      line.className = "field-error";
      line.dataset.stepperError = "";
      line.setAttribute("role", "alert");
      place.append(line);
    }
    if (line) line.textContent = message;
    return !message;
  }

  function move(input, direction) {
    if (input.readOnly || input.disabled) return;
    const step = hundredths(input.dataset.step || "0.5");
    const full = hundredths(input.dataset.max || "") ?? Infinity;
    const least = hundredths(input.dataset.min || "") ?? 0;
    const value = hundredths(input.value);
    let next;
    if (value === null || Number.isNaN(value)) next = direction > 0 ? least : full;
    else next = Math.min(full, Math.max(least, value + direction * step));
    if (next === Infinity) return;
    input.value = shown(next);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step-up], [data-step-down]");
    if (!button) return;
    const input = button.closest("[data-stepper]").querySelector("input");
    move(input, button.dataset.stepUp === undefined ? -1 : 1);
  });

  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || !input.closest("[data-stepper]")) return;
    if (event.key === "ArrowUp") { event.preventDefault(); move(input, 1); }
    if (event.key === "ArrowDown") { event.preventDefault(); move(input, -1); }
    if (event.key === "Enter") event.preventDefault();
  });

  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || !input.closest("[data-stepper]")) return;
    if (mark(input)) {
      const value = hundredths(input.value);
      if (value !== null) input.value = shown(value);
    }
  });

  /* ---- running sums ---- */
  /* Hundredths of what a counted item comes to: null while no number is typed. */
  function countedEvents(box) {
    const fields = [...document.querySelectorAll(`[data-events="${CSS.escape(box.dataset.counted)}"] [data-event-points]`)];
    if (!fields.some((field) => field.value.trim() !== "")) return null;
    return fields.reduce((sum, field) => {
      const number = hundredths(field.value);
      return sum + (hundredths(field.dataset.eventPoints) || 0) * (number === null ? 0 : number / 100);
    }, 0);
  }

  /* What an entry earns: a deduction leaves the rest of the full points, 扣完为止; a bonus is cut at its most. */
  function earnedOf(kind, value, most) {
    if (kind === "deduct") return most ? Math.max(most - value, 0) : -value;
    if (kind === "full") return Math.max(most - value, 0);
    return most ? Math.min(value, most) : value;
  }

  function entry(place) {
    const most = hundredths(place.dataset.max || "") || 0;
    const kind = place.dataset.tallyKind || "points";
    if (kind === "fixed") { const value = hundredths(place.dataset.tallyValue || ""); return { fixed: true, earned: value || 0, filled: value !== null }; }
    let value = place.dataset.counted ? countedEvents(place) : hundredths(place.value);
    let earned = value === null || Number.isNaN(value) ? null : earnedOf(kind, value, most);
    if (place.dataset.counted) {
      const kept = place.parentElement.querySelector("[data-counted-kept]");
      const out = place.querySelector("[data-counted-sum]");
      if (value === null && kept && kept.value.trim() !== "") { value = hundredths(kept.value); earned = kind === "full" ? value : earnedOf(kind, value, most); }
      if (out) out.textContent = earned === null ? "—" : shown(earned);
    }
    return { fixed: false, earned, filled: earned !== null };
  }

  function tallies(root) {
    const sums = new Map();
    root.querySelectorAll("[data-tally-in]").forEach((place) => {
      const one = entry(place);
      const excluded = place.dataset.tallyNa && root.elements?.namedItem(place.dataset.tallyNa)?.checked;
      place.dataset.tallyIn.split(/\s+/).forEach((name) => {
        const sum = sums.get(name) || { total: 0, done: 0, of: 0, full: 0 };
        if (!one.fixed) sum.of += 1;
        if (excluded) sum.done += 1;
        else if (one.filled) {
          sum.total += one.earned;
          if (!one.fixed) sum.done += 1;
          sum.full += hundredths(place.dataset.full || place.dataset.max || "") || 0;
        }
        sums.set(name, sum);
      });
    });
    const parts = [...document.querySelectorAll("[data-tally-section]")];
    parts.forEach((part) => {
      const sum = sums.get(part.dataset.tallySection);
      if (!sum) return;
      sum.total = Math.max(sum.total, 0);
      if (part.dataset.most) sum.total = Math.min(sum.total, hundredths(part.dataset.most));
    });
    if (parts.length && sums.has("all")) sums.get("all").total = parts.reduce((total, part) => total + (sums.get(part.dataset.tallySection)?.total || 0), 0);
    sums.forEach((sum, name) => {
      const put = (kind, text) => document.querySelectorAll(`[data-tally-${kind}="${name}"]`).forEach((out) => { out.textContent = text; });
      put("sum", shown(sum.total));
      put("done", String(sum.done));
      put("of", String(sum.of));
      put("left", String(sum.of - sum.done));
      put("full", String(sum.full / 100));
    });
  }

  document.addEventListener("click", (event) => {
    const none = event.target.closest("[data-no-events]");
    if (!none) return;
    const fields = [...none.closest("[data-events]").querySelectorAll("[data-event-points]")];
    fields.forEach((field) => { field.value = "0"; field.dispatchEvent(new Event("input", { bubbles: true })); });
    fields.forEach((field) => field.dispatchEvent(new Event("change", { bubbles: true })));
  });

  function start() {
    new Set([...document.querySelectorAll("[data-tally-in]")].map((place) => place.closest("form")).filter(Boolean)).forEach((form) => {
      tallies(form);
      form.addEventListener("input", () => tallies(form));
      form.addEventListener("change", () => tallies(form));
      form.addEventListener("zhibu:restored", () => tallies(form));
    });
    document.querySelectorAll("[data-next-blank]").forEach((button) => button.addEventListener("click", () => {
      const blank = [...document.querySelectorAll("input[data-tally-in], select[data-tally-in]")].find((input) => input.value.trim() === "" && !input.readOnly);
      blank?.focus();
      blank?.closest(".crit")?.scrollIntoView({ block: "center" });
    }));
  }

  window.zhibuSteps = { hundredths, shown, fault, move };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
