// Months side by side: bars, marks of what was planned, ranges, and the budget.
const make = (tag, attributes = {}, ...inside) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
};

const chart = (months, { usd, planned, range, budget }, words) => {
  const all = [...usd, ...planned, ...(range ? range[1] : []), budget ?? 0];
  const most = Math.max(...all) || 1;
  const size = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2, 5].map((part) => part * size).find((one) => most / one <= 4.8);
  const top = step * Math.ceil((1.02 * most) / step);
  const percent = (amount) => `${(100 * amount) / top}%`;
  const short = (amount) => amount.toLocaleString("en", { maximumSignificantDigits: 4 });
  const mark = (look, amount, text = "") => {
    const made = make("div", { class: look }, make("span", {}, text));
    made.style.bottom = percent(amount);
    return made;
  };
  const plot = make("div", { class: "plot", role: "img", "aria-label": words });
  for (let line = 0; line * step <= top; line += 1) plot.append(mark("grid", line * step, short(line * step)));
  const every = Math.ceil(months.length / 12);
  months.forEach((month, n) => {
    const bar = make("div", { class: "bar" });
    bar.style.height = percent(usd[n]);
    const column = make("div", { class: "month" }, bar);
    if (range) {
      const spread = mark("spread", range[0][n]);
      spread.style.height = percent(range[1][n] - range[0][n]);
      column.append(spread);
    }
    column.append(mark("was", planned[n]));
    if (n % every === 0) column.append(make("small", n % (3 * every) ? { class: "desk" } : {}, month.slice(2)));
    plot.append(column);
  });
  if (budget !== null) plot.append(mark("budget", budget));
  return plot;
};
