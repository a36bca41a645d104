// What if: settings by workload and prices by model, and all that follows of them, to the cent.
(() => {
  const source = document.getElementById("numbers");
  if (source === null) return;
  const plan = JSON.parse(source.textContent);
  const at = (id) => document.getElementById(id);
  const form = at("what-if").querySelector("form");
  const months = plan.months.length;
  const OUTPUT = plan.tokens - 1; // the last meter of tokens
  const link = make("a", { id: "link" }, "Link to these settings");
  const save = make("a", { id: "file", href: "#", download: "workloads.toml" }, "Workload file with these settings");
  at("links").append(link, " ", save);

  // Inputs by their name in a link, each with the value that leaves the plan as it is.
  const inputs = new Map();
  const input = (key, made, planned, label) => {
    made.value = planned;
    made.setAttribute("aria-label", label);
    inputs.set(key, { made, planned });
    return made;
  };
  const select = (options) => make("select", {}, ...options.map(([value, words]) => make("option", { value }, words)));
  const box = () => make("input", { inputmode: "decimal", size: 9 });
  const stops = (values) => select(values.map((value, place) => [place, `× ${value}`]));

  const cards = plan.workloads.map((workload, n) => {
    const levers = make("div", { class: "levers" });
    const card = { workload, moves: {}, percent: make("output"), said: make("output"), figure: make("figure"), note: make("p", { class: "words" }), thought: make("small", { id: `thought-${n}` }) };
    const lever = (name, words, made, planned, ...after) => {
      card.moves[name] = input(`${workload.key}.${name}`, made, String(planned), `${workload.name}, ${words}`);
      levers.append(make("label", {}, make("span", {}, words, " ", ...after), made));
    };
    lever("model", "model", select(plan.models.map((model, place) => [place, model.id])), workload.model);
    lever("batch", "sent", select([[0, "one by one"], [1, "in batches"]]), Number(workload.batch));
    lever("traffic", "traffic, %", make("input", { type: "range", min: 0, max: 400, step: 5 }), 100, card.percent);
    lever("growth", "growth, % a month", box(), workload.growth);
    lever("output", "visible output", stops(plan.outputs), plan.outputs.indexOf("1"));
    lever("reasoning", "reasoning", select(workload.reasonings), workload.reasonings[0][0]);
    card.moves.reasoning.setAttribute("aria-describedby", card.thought.id);
    card.moves.reasoning.after(card.thought);
    lever("cached", "cached share", select([["", `as planned: ${workload.cachedWords}`], ...workload.stops.map((stop) => [stop, `${Math.round(100 * stop)}%`])]), "");
    card.moves.growth.placeholder = workload.growthWords;
    for (const name of workload.closed) card.moves[name].disabled = true;
    at("cards").append(make("details", {}, make("summary", {}, make("b", {}, workload.name), " ", card.said), levers, card.note, card.figure));
    return card;
  });
  const prices = plan.models.map((model) => {
    const row = at("prices").insertRow();
    row.append(make("th", { scope: "row" }, model.id));
    return model.boxes.map((price, place) => {
      const [name, isOpen] = [`${model.id}, ${plan.boxes[place]}`, typeof price === "string"];
      const stays = price === null ? "as input" : price[0] === null ? "as input, stays" : `${price[0]}, stays`;
      row.insertCell().append(isOpen ? input(`${name}.price`, box(), price, `${name} price`) : stays);
      return isOpen ? inputs.get(`${name}.price`) : null;
    });
  });

  // A number in a box: undefined where it is as planned, null where it is none.
  const typed = ({ made, planned }, pattern, least, most) => {
    const text = made.value.trim();
    const isAsPlanned = text === planned || text === "";
    const isNumber = pattern.test(text) && Number(text) >= least && Number(text) <= most;
    if (isAsPlanned || isNumber) made.removeAttribute("aria-invalid");
    else made.setAttribute("aria-invalid", "true");
    return isAsPlanned ? undefined : isNumber ? decimal(text) : null;
  };
  const settings = ({ workload, moves }) => {
    const growth = typed({ made: moves.growth, planned: workload.growth }, /^-?(\d+\.?\d*|\.\d+)$/, -99, 1000);
    const thought = moves.reasoning.disabled ? -1 : workload.reasonings.findIndex(([value]) => value === moves.reasoning.value);
    const isHeld = workload.held !== null && moves.traffic.value !== "100" && moves.cached.value === "";
    return {
      place: Number(moves.model.value),
      isBatch: moves.batch.value === "1",
      traffic: times(decimal(moves.traffic.value), decimal("0.01")),
      growth: growth && times(growth, decimal("0.01")),
      output: Number(moves.output.value),
      reasoning: Math.max(0, thought),
      cached: isHeld ? workload.held : moves.cached.value,
      isHeld,
    };
  };

  // What of a row is at a setting of reasoning; a model that does not think has one for all.
  const of = (row, reasoning) => row[row.length === 1 ? 0 : reasoning];
  // Expected spend of each month: calls, times tokens by meter, times price; to the last digit, and by
  // meter as floats, reasoning by itself. Null without a price.
  const spend = (workload, place, { isBatch, traffic, growth, output, reasoning, cached }, stated) => {
    const model = workload.models[place];
    const batch = isBatch ? plan.models[place].batch : "1";
    if (batch === null) return null;
    const call = of(workload.tokens[model.profile][output], reasoning);
    const share = workload.shares[cached];
    const fees = new Map(workload.fees);
    const used = (meter, shape) => {
      if (fees.has(meter)) return times(decimal(workload.calls[shape]), decimal(fees.get(meter)));
      if (meter === OUTPUT) return decimal(call[1][shape]);
      return share ? times(decimal(call[0][shape]), decimal(share[meter])) : decimal(call[3 + meter][shape]);
    };
    const cost = ([meter, price, moved, of], tokens) => {
      const now = moved && stated[of] ? times(stated[of], decimal(moved)) : decimal(price);
      return times(tokens, fees.has(meter) ? now : times(now, decimal(batch)));
    };
    const rates = new Map();
    const rate = (shape, tariff) => {
      const key = `${shape} ${tariff}`;
      if (!rates.has(key)) {
        const lines = model.tariffs[tariff];
        const costs = lines.map((line) => [line[0], cost(line, used(line[0], shape))]);
        const reasoned = total(lines.filter(([meter]) => meter === OUTPUT).map((line) => cost(line, decimal(call[2][shape]))));
        const apart = ([meter, one]) => [meter, float(one) - (meter === OUTPUT ? float(reasoned) : 0)];
        rates.set(key, { whole: total(costs.map(([, one]) => one)), reasoned, costs: [...costs.map(apart), [plan.thought, float(reasoned)]] });
      }
      return rates.get(key);
    };
    let thought = ZERO;
    const usd = Array(months).fill(ZERO);
    const meters = usd.map(() => []);
    for (const [month, steps, asPlanned, growing, added, tariff] of model.lines) {
      const rows = growth ? [[growing, power(plus(ONE, growth), steps)], [added, ONE]] : [[asPlanned, ONE]];
      for (const [[shape, count], grown] of rows) {
        const calls = times(times(decimal(count), grown), traffic);
        const { whole, reasoned, costs } = rate(shape, tariff);
        thought = plus(thought, times(calls, reasoned));
        usd[month] = plus(usd[month], times(calls, whole));
        for (const [meter, one] of costs) meters[month][meter] = (meters[month][meter] ?? 0) + float(calls) * one;
      }
    }
    const which = (growth ? 1 : 0) + (cached === "" ? 0 : 2);
    const { at, multiples } = model.ranges;
    return { usd, meters, ranges: multiples[of(at[output], reasoning)][workload.which[which]], thought, tokens: Number(call[2][0]) / Number(workload.calls[0]) };
  };

  const sums = (rows) => plan.months.map((_, n) => total(rows.map((usd) => usd[n])));

  // P10 and P90 of all months and of each: each meter as many times its mean as the plan has it there.
  const added = (rows) => rows.reduce((all, row) => row.map((usd, n) => (all[n] ?? 0) + usd), []);
  const multiple = (row, meter) => row[meter] ?? row[0]; // of what costs nothing as planned that of input
  const ends = ({ meters, ranges }) =>
    ranges && ranges.map((rows) => [added(meters), ...meters].map((costs, n) => costs.reduce((all, usd, meter) => all + usd * multiple(rows[n] ?? rows[0], meter), 0)));
  // How far the ends of workloads are from their means, by end and row; and the mean of all by row.
  const means = (usd) => [total(usd), ...usd].map(float);
  const away = (shown) => [0, 1].map((e) => means(shown[0].usd).map((_, n) => shown.map(({ usd, range }) => (range ? range[e][n] - means(usd)[n] : 0))));
  const together = (shown) => {
    if (shown.every(({ range }) => range === null)) return null;
    const whole = means(sums(shown.map(({ usd }) => usd)));
    return away(shown).map((rows, e) => rows.map((parts, n) => whole[n] + norm(parts, norms[e][n].p) * norms[e][n].scale));
  };

  const monthly = (usd) => money(cents(total(usd), months));
  const less = (one, other) => plus(one, times(other, decimal("-1")));
  const size = ([number, places]) => [number < 0n ? -number : number, places];
  const change = (usd, planned) => {
    const [now, before] = [total(usd), total(planned)];
    const difference = less(now, before);
    const share = before[0] === 0n ? "" : ` (${difference[0] < 0n ? "-" : "+"}${((100 * float(size(difference))) / float(before)).toFixed(1)}%)`;
    return difference[0] === 0n ? "as planned" : `${money(cents(size(difference), months))} ${difference[0] < 0n ? "less" : "more"}${share}`;
  };
  // The least that any month leaves of its budget.
  const room = (budget, usd) => {
    if (budget === null) return "–";
    const left = usd.map((one) => less(decimal(budget), one)).reduce((one, other) => (less(one, other)[0] < 0n ? one : other));
    return money((left[0] < 0n ? -1n : 1n) * cents(size(left), 1));
  };
  const dearest = (left) => (left.startsWith("-") ? `the dearest month is ${left.slice(1)} over it` : `the dearest month leaves ${left} of it`);
  const average = (usd) => money(BigInt(Math.round((100 * usd) / months)));
  const between = ({ range, isLeast }) =>
    isLeast ? "at least the mean" : range ? range.map(([usd]) => average(usd)).join(" to ") : "not given";
  const row = (name, cells) =>
    make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", { class: "number" }, cell)));
  const redrawn = (figure, { usd, planned, range, isLeast, budget }, name) => {
    const numbers = { usd: usd.map(float), planned: planned.map(float), range: range && range.map((end) => end.slice(1)), budget: budget === null ? null : Number(budget) };
    const words = `${name}: ${monthly(usd)} ${plan.currency} a month expected, ${change(usd, planned)}. The amounts of each month stand in the table below.`;
    figure.replaceChildren(
      chart(plan.months, numbers, words),
      make("figcaption", {}, `${name}, ${plan.currency} a month. Bars: expected (mean). Marks across: as planned.${range ? " Lines: P10 to P90." : isLeast ? " What it is at least; how much the model reasons is not known." : " Range not given."}${budget === null ? "" : ` Dashed: budget, ${money(cents(decimal(budget), 1))}.`}`),
    );
  };

  const named = plan.workloads.map((workload) => workload.budget);
  const budget = named.includes(null) ? null : written(total(named.map(decimal)));
  const isMoved = ({ made, planned }) => !made.disabled && made.value !== planned && (made.type !== "text" || made.value.trim() !== "");
  let file = null;

  // The workload file in lines, with what is moved written into them.
  const exported = (chosen, stated) => {
    const tables = plan.file.tables.map((lines, n) => {
      const { moves, workload } = cards[n];
      const { growth, isHeld, cached } = chosen[n];
      const factors = { traffic: chosen[n].traffic, output: decimal(plan.outputs[moves.output.value]), reasoning: workload.isScaled ? decimal(workload.reasonings[chosen[n].reasoning][0]) : ONE };
      const scaled = (parts, factor) =>
        factor[0] === 0n ? "0" : parts.map((part, place) => (place % 2 ? written(times(decimal(part), factor)) : part)).join("");
      const table = new Map(
        lines.map(([key, by, parts]) => [key, parts.map((part) => (typeof part === "string" ? part : scaled(part, factors[by]))).join("")]),
      );
      table.set("model", `model = ${plan.models[chosen[n].place].toml}`);
      if (chosen[n].reasoning && !workload.isScaled) table.set("reasoning_tokens", `reasoning_tokens = ${workload.reasonings[chosen[n].reasoning][0]}`);
      if (growth) table.set("growth_per_month", `growth_per_month = ${written(growth)}`);
      if (isHeld || moves.cached.value !== "") {
        table.delete("cache");
        table.set("cached_share", `cached_share = ${cached}`);
      }
      if (chosen[n].isBatch !== workload.batch) table.set("batch", `batch = ${chosen[n].isBatch}`);
      return ["[[workload]]", ...table.values()].join("\n");
    });
    const changes = stated.flatMap((row, place) => {
      const moved = row.flatMap((price, n) => (price ? [`${plan.fields[n]} = "${written(price)}"`] : []));
      const head = ["[[price_change]]", `date = ${plan.file.start}`, `model = ${plan.models[place].toml}`];
      return moved.length ? [[...head, ...moved].join("\n")] : [];
    });
    return `${plan.file.head}${[...tables, ...plan.file.changes, ...changes].join("\n\n")}\n`;
  };

  // Whether nobody knows how much the model reasons: no number of it is put in.
  const isLeast = (workload, { place, reasoning }) => workload.least[place] && !reasoning;
  const reasoned = (workload, chosen, { thought, tokens }) => {
    if (!workload.thinks[chosen.place]) return `${workload.thoughts[chosen.place]}: nothing is spent on it.`;
    if (isLeast(workload, chosen)) return "How much is not known: the spend is at least what is shown.";
    return `${Math.round(tokens).toLocaleString("en")} a call on average: ${monthly([thought])} ${plan.currency} a month of the spend.`;
  };

  const redraw = () => {
    const stated = prices.map((row) => row.map((price) => price && typed(price, /^(\d+\.?\d*|\.\d+)$/, 0, 1e6)));
    cards.forEach(({ workload, moves }) => (moves.reasoning.disabled = !workload.thinks[moves.model.value]));
    const chosen = cards.map(settings);
    const isWrong = chosen.some(({ growth }) => growth === null) || form.querySelector('#prices [aria-invalid="true"]') !== null;
    at("links").hidden = isWrong;
    if (isWrong) {
      at("answer").textContent = "A box holds no number that can be. Write a price like 2.50, and growth in percent like 4 or -2.5.";
      return;
    }
    const rows = cards.map(({ workload, moves }, n) => {
      const each = plan.models.map((_, place) => spend(workload, place, chosen[n], stated[place]));
      [...moves.model.options].forEach((option, place) => {
        const said = each[place] ? `${monthly(each[place].usd)} a month` : "no batch price is stated";
        option.textContent = `${plan.models[place].id}: ${said}${workload.excluded[place] && `; excluded: ${workload.excluded[place]}`}`;
      });
      return each[chosen[n].place];
    });
    const without = cards.filter((_, n) => rows[n] === null).map(({ workload }) => workload.name);
    at("links").hidden = without.length > 0;
    if (without.length > 0) {
      at("answer").textContent = `No batch price is stated for the model of ${without.join(", ")}, so what it costs cannot be told.`;
      return;
    }
    const shown = cards.map(({ workload, planned }, n) => ({
      usd: rows[n].usd, planned: planned.usd, range: ends(rows[n]), isLeast: isLeast(workload, chosen[n]), budget: workload.budget,
    }));
    const all = { usd: sums(shown.map(({ usd }) => usd)), planned: sums(shown.map(({ planned }) => planned)), range: together(shown), budget };
    cards.forEach((card, n) => {
      const { workload } = card;
      const { usd, planned } = shown[n];
      card.percent.textContent = card.moves.traffic.value;
      card.said.textContent = `${plan.models[chosen[n].place].id}, ${monthly(usd)} ${plan.currency} a month, ${change(usd, planned)}`;
      const unserved = of(workload.unserved[workload.models[chosen[n].place].profile][chosen[n].output], chosen[n].reasoning);
      card.moves.reasoning.options[0].textContent = workload.thoughts[chosen[n].place];
      card.thought.textContent = reasoned(workload, chosen[n], rows[n]);
      card.note.textContent = [...(unserved ? [`With these settings ${unserved}.`] : []), ...workload.notes, ...(chosen[n].isHeld ? [`With another traffic the cached share is held at ${written(times(decimal(workload.held), decimal("100")))}%.`] : [])].join(" ");
      redrawn(card.figure, shown[n], workload.name);
    });
    redrawn(at("all"), all, "All workloads");
    const compared = (one) => [monthly(one.planned), monthly(one.usd), change(one.usd, one.planned), between(one), one.budget === null ? "–" : money(cents(decimal(one.budget), 1)), room(one.budget, one.usd)];
    const monthsOf = (usd) => [...usd.map((of) => money(cents(of, 1))), money(cents(total(usd), 1))];
    at("compared").replaceChildren(...cards.map(({ workload }, n) => row(workload.name, compared(shown[n]))));
    at("compared-all").replaceChildren(row("all", compared(all)));
    at("by-month").replaceChildren(...cards.map(({ workload }, n) => row(workload.name, monthsOf(shown[n].usd))));
    at("by-month-all").replaceChildren(row("all", monthsOf(all.usd)));
    at("answer").textContent = `With these settings: ${monthly(all.usd)} ${plan.currency} a month expected (mean), ${change(all.usd, all.planned)}. P10 to P90: ${between(all)}.${budget === null ? "" : ` The budget is ${money(cents(decimal(budget), 1))}; ${dearest(room(budget, all.usd))}.`}`;

    const moved = [...inputs].filter(([, one]) => isMoved(one));
    inputs.forEach((one) => one.made.toggleAttribute("data-moved", isMoved(one)));
    const words = ({ made }) => `${made.ariaLabel} ${made.options ? made.selectedOptions[0].textContent.split(":")[0] : made.value}`;
    at("moved").textContent = moved.length ? `Changed: ${moved.map(([, one]) => words(one)).join("; ")}.` : "";
    at("what-if").classList.toggle("screen", moved.length === 0);
    const hash = new URLSearchParams(moved.map(([key, { made }]) => [key, made.value])).toString();
    link.href = `#${hash}`;
    if (location.hash.slice(1) !== hash) history.replaceState(null, "", `#${hash}`);
    if (plan.file !== null) file = exported(chosen, stated);
  };

  // Settings of a link; what the plan does not know is said.
  const follow = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    cards.forEach(({ moves }) => (moves.reasoning.disabled = false)); // until its model is known
    inputs.forEach((one, key) => {
      const wanted = asked.get(key) ?? one.planned;
      if (!one.made.disabled) one.made.value = wanted;
      if (one.made.value === wanted) asked.delete(key);
      else one.made.value = one.planned;
    });
    at("unknown").textContent = asked.size ? `The link has settings that this plan does not know: ${[...asked.keys()].join(", ")}.` : "";
    redraw();
  };

  cards.forEach((card) => {
    card.planned = spend(card.workload, card.workload.model, settings(card), []);
  });
  const asPlanned = cards.map(({ planned }) => ({ usd: planned.usd, range: ends(planned) }));
  const norms = away(asPlanned).map((rows, e) => rows.map((parts, n) => {
    const whole = plan.ends === null ? 0 : plan.ends[e][n] - means(sums(asPlanned.map(({ usd }) => usd)))[n];
    const p = exponent(parts, whole);
    return { p, scale: whole / (norm(parts, p) || 1) };
  }));
  form.addEventListener("input", redraw);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    inputs.forEach(({ made, planned }) => (made.value = planned));
    redraw();
  });
  save.hidden = plan.file === null;
  save.addEventListener("click", () => {
    save.href = URL.createObjectURL(new Blob([file], { type: "application/toml" }));
  });
  addEventListener("hashchange", follow);
  at("what-if").hidden = false;
  follow();
})();
