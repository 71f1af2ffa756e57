// The "score a company" form: asks for every field in the order of its weight, and answers at every key.

const icpForm = (() => {
  "use strict";

  const OPEN_FIELDS = 9; // shown at once; the others on demand
  const LONG_LIST = 40; // values from which on one types instead of choosing
  const FEW_TOKENS = 8;
  const FOUND_TOKENS = 24;
  const SVG = "http://www.w3.org/2000/svg";

  /** An element with attributes and children; texts become text nodes, never markup. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  }

  function option(value, text) {
    return make("option", { value }, text);
  }

  /** One asked field: its element, and a function that reads what is entered. */
  function ask(model, field, k, changed) {
    const id = `ask-${k}`;
    const makers = { numeric: askNumber, category: askCategory, boolean: askYesNo, tokens: askTokens };
    const one = makers[field.kind](model, field, id, changed);
    const note = make("p", { class: "wrong", id: `${id}-note`, role: "status" });
    const label = field.kind === "tokens"
      ? make("span", { class: "label", id: `${id}-label` }, field.label)
      : make("label", { for: id }, field.label);
    const element = make("div", { class: `ask ${field.kind}`, "data-field": field.name }, label, ...one.parts, note);
    return { field, element, read: one.read, clear: one.clear, note };
  }

  function askNumber(model, field, id, changed) {
    const date = field.form === "date";
    const input = make("input", {
      id,
      type: date ? "date" : "text",
      inputmode: date ? null : "decimal",
      autocomplete: "off",
      maxlength: 40,
      max: date ? model.as_of : null,
      "aria-describedby": `${id}-note`,
    });
    input.addEventListener("input", changed);
    const hint = [field.unit, field.usual].filter(Boolean).join("; ");
    return {
      parts: [input, make("span", { class: "hint" }, hint)],
      read: () => input.value.trim(),
      clear: () => { input.value = ""; },
    };
  }

  function askCategory(model, field, id, changed) {
    const long = field.tops || field.names.length + field.rare.length > LONG_LIST; // codes are typed, too
    return (long ? askTyped : askChosen)(field, id, changed);
  }

  function askChosen(field, id, changed) {
    const { FIRST_VALUE, RARE, UNSEEN } = icpScorecard;
    const select = make("select", { id }, option("", "Not known"));
    field.names.map((name, k) => [name, k + FIRST_VALUE])
      .sort((a, b) => a[0].localeCompare(b[0], "en"))
      .forEach(([name, code]) => select.append(option(code, name)));
    if (field.rare.length) {
      select.append(make("optgroup", { label: "Rare among customers" },
        ...field.rare_names.map((name) => option(RARE, name))));
    }
    select.append(option(UNSEEN, "Any other value"));
    select.addEventListener("input", changed);
    return {
      parts: [select],
      read: () => (select.value === "" ? null : { code: Number(select.value) }),
      clear: () => { select.value = ""; },
    };
  }

  /** Names to choose from; an industry's with its code, as two levels may be called the same. */
  function named(field, values, names) {
    return field[names].map((name, k) => (field.tops && field[values][k] !== name ? `${field[values][k]} ${name}` : name));
  }

  function askTyped(field, id, changed) {
    const { RARE, UNSEEN } = icpScorecard;
    const list = make("datalist", { id: `${id}-list` },
      ...[...named(field, "values", "names"), ...named(field, "rare", "rare_names")]
        .map((name) => make("option", { value: name })));
    const input = make("input", { id, type: "text", list: `${id}-list`, autocomplete: "off", maxlength: 200 });
    const hint = make("span", { class: "hint" });
    const say = () => {
      const code = input.value.trim() ? icpScorecard.categoryOf(field, input.value) : -1;
      const words = { [UNSEEN]: "no customer has this value", [RARE]: "rare among customers" };
      hint.textContent = words[code] || `${field.names.length} values`;
    };
    input.addEventListener("input", () => { say(); changed(); });
    say();
    return {
      parts: [input, list, hint],
      read: () => input.value.trim(),
      clear: () => { input.value = ""; say(); },
    };
  }

  function askYesNo(model, field, id, changed) {
    const select = make("select", { id }, option("", "Not known"), option("yes", "Yes"), option("no", "No"));
    select.addEventListener("input", changed);
    return {
      parts: [select],
      read: () => (select.value === "" ? null : select.value === "yes"),
      clear: () => { select.value = ""; },
    };
  }

  /** Tokens that say most come first; a search finds the others. */
  function askTokens(model, field, id, changed) {
    const ticked = new Set();
    const first = model.first.get(field);
    const says = (token) => Math.abs(model.segments[0].values[first + token][2]);
    const ranked = field.names.map((_, token) => token).sort((a, b) => says(b) - says(a) || a - b);
    const known = make("select", { id, "aria-labelledby": `${id}-label` },
      option("", "Not known"), option("known", "Known: those ticked"));
    const search = make("input", {
      type: "search", placeholder: `Find among ${field.names.length}`, autocomplete: "off", maxlength: 100,
      "aria-label": `Find in ${field.label}`,
    });
    const box = make("div", { class: "ticks", role: "group", "aria-labelledby": `${id}-label` });
    const tick = (token, on) => {
      if (on) ticked.add(token); else ticked.delete(token);
      if (on) known.value = "known";
      changed();
    };
    const show = () => {
      const wanted = search.value.trim().toLowerCase();
      const found = wanted ? ranked.filter((token) => field.names[token].toLowerCase().includes(wanted)) : ranked;
      const most = wanted ? FOUND_TOKENS : FEW_TOKENS;
      const shown = [...ranked.filter((token) => ticked.has(token)), ...found.filter((token) => !ticked.has(token))
        .slice(0, most)];
      box.replaceChildren(...shown.map((token) => {
        const check = make("input", { type: "checkbox", "data-token": token });
        check.checked = ticked.has(token);
        check.addEventListener("change", () => tick(token, check.checked));
        return make("label", {}, check, " ", field.names[token]);
      }));
      if (wanted && !found.length) box.append(make("span", { class: "hint" }, "none found: it has no say"));
    };
    search.addEventListener("input", show);
    known.addEventListener("input", () => {
      if (known.value === "") { ticked.clear(); show(); }
      changed();
    });
    show();
    return {
      parts: [known, ...(field.names.length > FEW_TOKENS ? [search] : []), box],
      read: () => (known.value === "" ? null : [...ticked]),
      clear: () => { ticked.clear(); known.value = ""; search.value = ""; show(); },
    };
  }

  /** Fit, its interval and the cut-offs of the tiers on one line from 0 to 100. */
  function scale(model, found) {
    const svg = document.createElementNS(SVG, "svg");
    const draw = (name, attributes) => {
      const shape = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
      svg.append(shape);
    };
    for (const [key, value] of [["viewBox", "0 0 100 8"], ["class", "scale"], ["aria-hidden", "true"],
      ["preserveAspectRatio", "none"]]) svg.setAttribute(key, value);
    draw("rect", { class: "f-soft", width: 100, height: 8 });
    draw("rect", { class: "f-band", x: found.low, width: Math.max(found.high - found.low, 0.5), height: 8 });
    for (const least of model.cutoffs) draw("rect", { class: "f-plain", x: least - 0.15, width: 0.3, height: 8 });
    draw("rect", { class: "f-ink", x: Math.min(found.fit, 99.2), width: 0.8, height: 8 });
    return svg;
  }

  function sumUp(model, found) {
    if (found.known === 0) return [make("p", { class: "empty" }, "Nothing entered yet.")];
    const known = `${found.known} of ${found.fields} fields known`;
    if (found.excluded) return [make("p", { class: "verdict warn" }, `Ineligible: ${found.excluded}.`), known];
    const tier = make("span", { class: `tier t${found.tier}` }, found.tier);
    return [
      make("p", { class: "fit" },
        make("strong", {}, found.fit.toFixed(0)),
        make("span", {}, `fit, ${found.low.toFixed(0)}–${found.high.toFixed(0)}`),
        make("span", {}, "tier ", tier)),
      scale(model, found),
      make("p", { class: "small" }, `${known}; the span is the 90% interval, the marks are where tiers begin.`,
        ...(found.segment ? [` Segment: ${found.segment}.`] : [])),
    ];
  }

  function explain(found) {
    if (found.known === 0 || found.excluded) return [];
    const times = (contribution) => `${Math.exp(contribution).toFixed(2)}×`;
    const notes = [];
    if (!found.inside) {
      const held = found.held ? " Its tier is held at C." : "";
      notes.push(make("p", { class: "caution" }, `Its values are unlike any customer's, so the score is a guess.${held}`));
    }
    if (found.known < found.fields / 2) {
      notes.push(make("p", { class: "caution" },
        "Most fields are not known. Each of them counts as it did for customers of whom it was not known either."));
    }
    return [
      ...notes,
      make("h3", {}, "Why"),
      make("ol", { class: "rows reasons" }, ...found.reasons.map((reason) => make("li",
        { "data-field": reason.field, "data-contribution": String(reason.contribution) },
        make("span", {}, reason.sentence),
        make("span", { class: `lift ${reason.contribution > 0 ? "up" : "down"}`, title: "what it multiplies the odds by" },
          times(reason.contribution))))),
      make("p", { class: "small" }, "On the right: what each multiplies the odds of being a best customer by."),
    ];
  }

  /** Fields of one line first, then those with ticks, which are as high as they are many. */
  function inGroups(asked) {
    const high = asked.filter((one) => one.field.kind === "tokens");
    return [asked.filter((one) => !high.includes(one)), high].filter((group) => group.length)
      .map((group) => make("div", { class: "fields" }, ...group.map((one) => one.element)));
  }

  function folded(asked) {
    const words = `${asked.length} more field${asked.length === 1 ? "" : "s"}, of less weight`;
    return asked.length ? [make("details", {}, make("summary", {}, words), ...inGroups(asked))] : [];
  }

  function start(place, data) {
    const model = icpScorecard.prepare(data);
    const sum = make("div", { class: "sum", role: "status" });
    const why = make("div", { class: "why" });
    const asked = [];
    let waiting = false;
    const answer = () => {
      waiting = false;
      const account = Object.fromEntries(asked.map((one) => [one.field.name, one.read()]));
      const found = icpScorecard.score(model, account);
      for (const one of asked) {
        const wrong = found.wrong.get(one.field.name);
        one.note.textContent = wrong ? `${one.read()} ${wrong}` : "";
        one.element.classList.toggle("bad", Boolean(wrong));
      }
      sum.replaceChildren(...sumUp(model, found));
      why.replaceChildren(...explain(found));
      Object.assign(place.dataset, { logOdds: found.logOdds, fit: found.fit, low: found.low, high: found.high,
        tier: found.tier, known: found.known, inside: found.inside });
    };
    const changed = () => {
      if (!waiting) { waiting = true; queueMicrotask(answer); }
    };
    asked.push(...model.order.map((k) => ask(model, model.fields[k], k, changed)));
    const clear = make("button", { type: "button" }, "Clear");
    clear.addEventListener("click", () => { asked.forEach((one) => one.clear()); changed(); });
    place.append(
      make("div", { class: "answer" }, sum, why),
      make("div", { class: "asked" }, ...inGroups(asked.slice(0, OPEN_FIELDS)), ...folded(asked.slice(OPEN_FIELDS)), clear),
    );
    place.hidden = false;
    answer();
  }

  return { start };
})();
