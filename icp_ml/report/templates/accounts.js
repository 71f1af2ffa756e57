// The table of accounts: search in all of its words, sort by any column, the first rows first.

const icpAccounts = (() => {
  "use strict";

  const FIRST_ROWS = 25;

  function start(table, bar) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, words: row.textContent.toLowerCase() }));
    const heads = [...table.tHead.rows[0].cells];
    const search = bar.querySelector("input");
    const order = bar.querySelector("select");
    const count = bar.querySelector("output");
    const more = bar.querySelector("button");
    let [by, down, all] = [0, false, false];

    const keyOf = (row) => row.cells[by].dataset.sort;
    const numeric = () => heads[by].dataset.kind === "number";
    const compare = (a, b) => (numeric()
      ? Number(keyOf(a.row)) - Number(keyOf(b.row))
      : keyOf(a.row).localeCompare(keyOf(b.row), "en"));

    function show() {
      const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = rows.filter(({ words }) => wanted.every((word) => words.includes(word)));
      const most = all || wanted.length ? found.length : FIRST_ROWS;
      const shown = new Set(found.slice(0, most));
      for (const one of rows) one.row.hidden = !shown.has(one);
      count.textContent = wanted.length
        ? `${found.length} of ${rows.length} accounts`
        : `${shown.size} of ${rows.length} accounts shown`;
      more.hidden = wanted.length > 0 || rows.length <= FIRST_ROWS;
      more.textContent = all ? `Show the first ${FIRST_ROWS}` : `Show all ${rows.length}`;
    }

    function sort(column, downwards) {
      [by, down] = [column, downwards];
      rows.sort((a, b) => (down ? compare(b, a) : compare(a, b)));
      body.append(...rows.map(({ row }) => row));
      heads.forEach((head, k) => {
        if (k === by) head.setAttribute("aria-sort", down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      order.value = `${by}${down ? "-" : ""}`;
      show();
    }

    heads.forEach((head, k) => {
      if (!head.dataset.kind) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      const first = head.dataset.down === "true";
      button.addEventListener("click", () => sort(k, by === k ? !down : first));
      head.append(button);
    });
    order.addEventListener("input", () => sort(parseInt(order.value, 10), order.value.endsWith("-")));
    search.addEventListener("input", show);
    more.addEventListener("click", () => { all = !all; show(); });
    bar.hidden = false;
    sort(Number(table.dataset.first), false);
  }

  return { start };
})();
