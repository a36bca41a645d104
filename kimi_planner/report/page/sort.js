// Sorting: a button in each head; numbers by value, words by alphabet, what is no number last.
(() => {
  const valueOf = (text) => {
    const number = Number(text.replace(/[,%+<>]/g, ""));
    return text.trim() === "" || Number.isNaN(number) ? null : number;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const falling = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        const body = table.tBodies[0];
        const text = (row) => row.cells[column].textContent;
        const numeric = head.classList.contains("number");
        const compare = (one, other) => {
          if (!numeric) return text(one).localeCompare(text(other));
          const [a, b] = [valueOf(text(one)), valueOf(text(other))];
          return a === null || b === null ? 0 : a - b;
        };
        const known = (row) => !numeric || valueOf(text(row)) !== null;
        const rows = [...body.rows];
        const sorted = rows.filter(known).sort(compare);
        if (falling) sorted.reverse();
        body.append(...sorted, ...rows.filter((row) => !known(row)));
      });
    });
  }
})();
