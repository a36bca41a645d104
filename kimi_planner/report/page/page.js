"use strict";

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

// What if: whole numbers throughout, so that every cent is the one that Python computes.
(() => {
  const source = document.getElementById("numbers");
  if (source === null) return;
  const plan = JSON.parse(source.textContent);
  const PLACES = 30;
  const at = (id) => document.getElementById(id);
  const panel = at("what-if");
  const element = (tag, text, look) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (look) made.className = look;
    return made;
  };

  // A decimal number as a whole number of 10^-PLACES; null if it is none, or too long.
  const units = (text) => {
    const found = /^\s*(?=\.?\d)(\d{0,12})(?:\.(\d{0,12}))?\s*$/.exec(text);
    return found === null ? null : BigInt(found[1] + (found[2] || "").padEnd(PLACES, "0"));
  };
  // An exact amount that the page holds, of any length.
  const amount = (text) => {
    const [whole, part = ""] = text.split(".");
    return BigInt(whole + part.padEnd(PLACES, "0").slice(0, PLACES));
  };
  const cents = (value, parts) => {
    const below = parts * 10n ** BigInt(PLACES - 2);
    return (2n * value + below) / (2n * below); // half up, as Python's reports round
  };
  const money = (value) => {
    const digits = value.toString().padStart(3, "0");
    return digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",") + "." + digits.slice(-2);
  };

  // A box for a price; null where another price stands in for it.
  const box = (into, price, label, closed) => {
    const input = element("input");
    input.inputMode = "decimal";
    input.defaultValue = price;
    input.disabled = closed;
    if (closed) input.setAttribute("aria-describedby", "price-notes");
    input.setAttribute("aria-label", label);
    into.append(input);
    return input;
  };
  const head = (row, text, look) => {
    const made = element("th", text, look);
    made.scope = "col";
    row.append(made);
  };
  const tokens = plan.meters.filter((meter) => meter.fee === undefined);
  const priceHeads = at("price-heads").insertRow();
  for (const text of ["model", ...tokens.map((meter) => meter.title)]) head(priceHeads, text);
  const boxes = plan.models.map((model) => {
    const row = at("prices").insertRow();
    const name = element("th", model.id);
    name.scope = "row";
    row.append(name);
    return model.prices.map((price, place) => {
      const cell = row.insertCell();
      if (typeof price === "string")
        return box(cell, price, `${model.id}, ${tokens[place].title} price`, model.fixed);
      cell.textContent = `as ${tokens[price].title}`;
      return null;
    });
  });
  const fees = plan.meters
    .filter((meter) => meter.fee !== undefined)
    .map((meter) => {
      const label = element("label", `${meter.title}, USD a call `);
      at("fees").append(label);
      return box(label, meter.fee, `${meter.title}, USD a call`, false);
    });
  const stops = { output: plan.outputs, reasoning: plan.reasonings };
  for (const [id, values] of Object.entries(stops)) {
    at(id).max = values.length - 1;
    at(id).setAttribute("value", values.indexOf("1"));
    at(id).value = values.indexOf("1");
  }

  const heads = at("heads").insertRow();
  for (const text of ["workload", ...plan.models.map((model) => model.id)])
    head(heads, text, text === "workload" ? "" : "number");
  const cells = plan.workloads.map((workload) => {
    const row = at("spend").insertRow();
    const name = element("th", workload.name);
    name.scope = "row";
    row.append(name);
    return plan.models.map((_, place) => {
      const cell = row.insertCell();
      cell.className = workload.recommended === place ? "number chosen" : "number";
      return cell;
    });
  });
  const sumRow = at("sums").insertRow();
  sumRow.append(element("td", "all on one model"));
  const sums = plan.models.map(() => {
    const cell = sumRow.insertCell();
    cell.className = "number";
    return cell;
  });

  // Expected spend over all months in 10^-PLACES USD: thousandths of tokens times USD per million
  // tokens, thousandths of calls times USD a call, and what no price moves; then percent of traffic.
  const spend = (workload, place, factors, rates) => {
    const row = workload.amounts[place][factors.output];
    const amounts = row[Math.min(factors.reasoning, row.length - 1)];
    const billed = plan.meters.reduce((sum, meter, number) => {
      const usd = BigInt(amounts[number]) * rates[number];
      return sum + (meter.fee === undefined ? usd : usd * 10n ** 6n);
    }, 0n);
    return ((billed / 10n ** 9n + amount(amounts[plan.meters.length])) * factors.traffic) / 100n;
  };

  const planned = { traffic: 100n, output: plan.outputs.indexOf("1"), reasoning: plan.reasonings.indexOf("1") };
  // Prices by meter, and then of the fees; a box that was not touched has its exact price.
  const filled = (prices) => prices.map((price) => (typeof price === "number" ? prices[price] : price));
  const stated = plan.models.map(({ prices }) =>
    filled([...prices.map((price) => (typeof price === "string" ? amount(price) : price)), ...fees.map((fee) => amount(fee.defaultValue))]),
  );
  const totalOf = (factors, rates) =>
    plan.workloads.reduce((sum, workload) => sum + spend(workload, workload.recommended, factors, rates[workload.recommended]), 0n);
  const months = BigInt(plan.months);

  const redraw = () => {
    const factors = {
      traffic: BigInt(at("traffic").value),
      output: Number(at("output").value),
      reasoning: Number(at("reasoning").value),
    };
    for (const [id, text] of [
      ["traffic", `${at("traffic").value}%`],
      ["output", `× ${plan.outputs[factors.output]}`],
      ["reasoning", `× ${plan.reasonings[factors.reasoning]}`],
    ]) {
      panel.querySelector(`output[for="${id}"]`).textContent = text;
      at(id).setAttribute("aria-valuetext", text);
    }
    let wrong = false;
    const read = (input) => {
      const value = input.value === input.defaultValue ? amount(input.value) : units(input.value);
      if (value === null) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      wrong = wrong || value === null;
      return value;
    };
    const feeRates = fees.map(read);
    const rates = boxes.map((row, place) =>
      filled([...row.map((input, meter) => (input === null ? plan.models[place].prices[meter] : read(input))), ...feeRates]),
    );
    if (wrong) {
      at("answer").textContent = "A price is no number. Write it like 2.50, with at most 12 digits after the point.";
      return;
    }
    plan.workloads.forEach((workload, row) => {
      plan.models.forEach((_, place) => {
        cells[row][place].textContent = money(cents(spend(workload, place, factors, rates[place]), months));
      });
    });
    plan.models.forEach((_, place) => {
      const all = plan.workloads.reduce((sum, workload) => sum + spend(workload, place, factors, rates[place]), 0n);
      sums[place].textContent = money(cents(all, months));
    });
    const before = totalOf(planned, stated);
    const now = totalOf(factors, rates);
    const change = now >= before ? now - before : before - now;
    const share = before === 0n ? "" : ` (${now >= before ? "+" : "−"}${(Number((change * 100000n) / before) / 1000).toFixed(1)}%)`;
    const words = now === before ? "as planned" : `${money(cents(change, months))} ${now > before ? "more" : "less"} than planned${share}`;
    at("answer").textContent = `On the planned models: ${money(cents(now, months))} USD a month expected, ${words}.`;
  };
  panel.querySelector("form").addEventListener("input", redraw);
  panel.querySelector("form").addEventListener("reset", () => setTimeout(redraw));
  panel.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  panel.hidden = false;
  redraw();
})();
