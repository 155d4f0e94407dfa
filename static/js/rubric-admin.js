// Totals of a rubric while it is typed: each section's points beside the sum of its items.
(function () {
  "use strict";
  var COUNTED = ["points", "levels", "deduction", "system"];

  function rows(prefix) {
    var total = document.querySelector("#id_" + prefix + "-TOTAL_FORMS");
    var found = [];
    for (var place = 0; total && place < Number(total.value); place += 1) {
      var struck = document.querySelector("#id_" + prefix + "-" + place + "-DELETE");
      if (!struck || !struck.checked) { found.push(place); }
    }
    return found;
  }

  function value(prefix, place, name) {
    var field = document.querySelector("#id_" + prefix + "-" + place + "-" + name);
    return field ? field.value.trim() : "";
  }

  // Hundredths, so that 0.1 + 0.2 is 0.3.
  function hundredths(text) {
    var number = Number(text);
    return Number.isFinite(number) ? Math.round(number * 100) : 0;
  }

  function shown(number) { return String(number / 100); }

  function cell(row, text, kind) {
    var made = document.createElement(kind || "td");
    made.textContent = text;
    row.appendChild(made);
    return made;
  }

  function refresh() {
    var body = document.querySelector("[data-rubric-totals] tbody");
    if (!body) { return; }
    body.replaceChildren();
    var sums = {};
    rows("criteria").forEach(function (place) {
      var code = value("criteria", place, "section_code");
      if (COUNTED.indexOf(value("criteria", place, "kind")) >= 0) {
        sums[code] = (sums[code] || 0) + hundredths(value("criteria", place, "points"));
      }
    });
    var whole = 0;
    rows("sections").forEach(function (place) {
      var code = value("sections", place, "code");
      var points = hundredths(value("sections", place, "points"));
      var sum = sums[code] || 0;
      var row = body.insertRow();
      whole += points;
      cell(row, code, "th").scope = "row";
      cell(row, value("sections", place, "name"));
      cell(row, shown(points));
      cell(row, shown(sum));
      cell(row, sum === points ? "相符" : "相差 " + shown(sum - points));
      row.className = sum === points ? "" : "rubric-off";
    });
    var last = body.insertRow();
    cell(last, "", "th").scope = "row";
    cell(last, "合计");
    cell(last, shown(whole));
    cell(last, "");
    cell(last, whole === 10000 ? "100 分" : "不是 100 分，得分会折算为百分制");
  }

  document.addEventListener("DOMContentLoaded", function () {
    var form = document.querySelector("#rubric_form");
    if (!form) { return; }
    form.addEventListener("input", refresh);
    form.addEventListener("change", refresh);
    document.addEventListener("formset:added", refresh);
    document.addEventListener("formset:removed", refresh);
    refresh();
  });
})();
