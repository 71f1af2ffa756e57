// An account's codes -> log-odds, fit, tier and reasons, by the tables in the page. The sums run in the library's own
// order (icp_ml/estimator/scorecard.py), so that they give the library's own numbers.

const icpScorecard = (() => {
  "use strict";

  const MISSING = 0;
  const UNSEEN = 1;
  const RARE = 2;
  const FIRST_BIN = 2;
  const FIRST_VALUE = 3;
  const ABSENT = 1;
  const PRESENT = 2;
  const LETTERS = "ABCD";

  /** Base64 of little-endian float64 -> numbers. */
  function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float64Array.from({ length: bytes.length / 8 }, (_, k) => view.getFloat64(8 * k, true));
  }

  /** White space and case apart, two spellings of one value are equal. */
  function fold(text) {
    return text.trim().split(/\s+/).join(" ").toLowerCase();
  }

  /** One entry per term: its field, and which token of it. */
  function termsOf(fields) {
    return fields.flatMap((field) => (
      field.kind === "tokens" ? field.names.map((_, token) => ({ field, token })) : [{ field, token: -1 }]
    ));
  }

  function sizeOf(field) {
    if (field.kind === "numeric") return field.edges.length + 2;
    return field.kind === "category" ? field.names.length + FIRST_VALUE : 3;
  }

  /** Arrays as numbers, terms with their places; the page's data are left as they are. */
  function prepare(data) {
    const fields = data.fields.map(prepareField);
    const terms = termsOf(fields);
    const start = [];
    let total = 0;
    for (const term of terms) {
      start.push(total);
      total += sizeOf(term.field);
    }
    const first = new Map();
    terms.forEach((term, j) => { if (!first.has(term.field)) first.set(term.field, j); });
    const segments = data.segments.map((segment) => prepareSegment(segment, terms, start));
    return { ...data, fields, terms, first, segments };
  }

  function prepareField(field) {
    if (field.kind === "numeric") return { ...field, edges: unpack(field.edges) };
    if (field.kind !== "category") return field;
    return { ...field, values: field.values || field.names, rare_names: field.rare_names || field.rare };
  }

  function prepareSegment(segment, terms, start) {
    const values = unpack(segment.values);
    const variances = unpack(segment.variances);
    const slice = (all, j) => all.subarray(start[j], start[j] + sizeOf(terms[j].field));
    const odd = unpack(segment.support.odd);
    let place = 0;
    const support = segment.support.terms.map((j) => {
      const size = sizeOf(terms[j].field);
      place += size;
      return odd.subarray(place - size, place);
    });
    return {
      ...segment,
      values: terms.map((_, j) => slice(values, j)),
      variances: terms.map((_, j) => slice(variances, j)),
      pairs: segment.pairs.map((pair) => ({
        ...pair,
        width: Math.max(...pair.columns) + 1,
        values: unpack(pair.values),
        variances: unpack(pair.variances),
      })),
      support: {
        ...segment.support,
        weights: unpack(segment.support.weights),
        odd: support,
        together: segment.support.together.map(([j, k, width, cells]) => ({ j, k, width, cells: new Set(cells) })),
      },
    };
  }

  /** Days from the first of 1970 of "2026-09-29". */
  function dayOf(text) {
    return Date.parse(`${text}T00:00:00Z`) / 86400000;
  }

  /**
   * What is typed into a numeric field -> the library's number: shares as fractions, dates as days before the as-of
   * date, years of age from the year. NaN stands for missing; `wrong` says why.
   */
  function numberOf(model, field, text) {
    const missing = (wrong) => ({ value: NaN, wrong });
    const [least, most, oldest] = model.years;
    if (field.form === "date") {
      const year = Number(text.slice(0, -6));
      if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return missing("is not a date");
      if (!(year >= least && year <= most)) return missing(`lies outside ${least} to ${most}`);
      if (!field.old && model.empty_dates.includes(text)) return missing("is what an empty date becomes");
      if (model.as_of === null) return missing("cannot be measured: the model has no as-of date");
      const days = dayOf(model.as_of) - dayOf(text);
      return days >= 0 ? { value: days } : missing(`lies after ${model.as_of}, the day of the data: not known then`);
    }
    const value = parsed(text, field.form === "share");
    if (Number.isNaN(value)) return missing("is not a number");
    if (field.form === "age" || field.form === "year") {
      if (value < oldest || value > most) return missing("is not a year");
      if (field.form === "year") return { value };
      if (model.as_of === null) return missing("cannot be measured: the model has no as-of date");
      const age = Number(model.as_of.slice(0, 4)) - value;
      return age >= 0 ? { value: age } : missing(`lies after ${model.as_of}, the day of the data: not known then`);
    }
    if (value < 0 && !field.negative) return missing("cannot be negative");
    return { value: field.form === "share" ? value / 100 : value };
  }

  /** "1,200", "$1.5M" or, of a share, "30%" -> a number; NaN for anything else. */
  function parsed(text, share) {
    const found = /^([+-]?)\s*[$€£]?\s*([\d,]*\.?\d*(?:e[+-]?\d{1,3})?)\s*(k|m|mm|b|bn|t|%)?$/i.exec(text.trim());
    if (!found || !/\d/.test(found[2])) return NaN;
    const digits = found[2];
    if (found[3] === "%" && !share) return NaN;
    if (digits.includes(",") && !/^\d{1,3}(,\d{3})+(\.\d*)?$/.test(digits)) return NaN;
    const scale = { k: "e3", m: "e6", mm: "e6", b: "e9", bn: "e9", t: "e12" }[(found[3] || "").toLowerCase()] || "";
    if (scale && /e/i.test(digits)) return NaN;
    const value = Number(`${digits.replaceAll(",", "")}${scale}`);
    return Number.isFinite(value) ? (found[1] === "-" ? -value : value) : NaN;
  }

  /** A number's code: bins hold what lies above their lower edge, up to and with their upper one. */
  function binOf(edges, value) {
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle] < value) low = middle + 1; else high = middle;
    }
    return low + 1;
  }

  /** A category's code, from its name or its value; an industry code counts as the nearest wider one. */
  function categoryOf(field, text) {
    const wanted = fold(text);
    const code = field.tops && /^(\d{2}-\d{2}|\d{2,8})(?= |$)/.exec(wanted);
    if (code) return industryOf(field, code[0]);
    const at = (list) => list.findIndex((one) => fold(one) === wanted);
    const known = [at(field.names), at(field.values)].find((k) => k >= 0);
    if (known !== undefined) return FIRST_VALUE + known;
    if (at(field.rare) >= 0 || at(field.rare_names) >= 0) return RARE;
    return UNSEEN;
  }

  function industryOf(field, text) {
    const top = field.tops[text.slice(0, 2)];
    if (top === undefined) return UNSEEN;
    const whole = text === top || /^0*$/.test(text.slice(2));
    const cut = whole ? top : text.slice(0, field.form === "sic" ? 3 : 4);
    const wider = [cut];
    for (let k = cut.length - 1; k > 2; k -= 1) wider.push(cut.slice(0, k));
    for (const code of [...wider, top]) {
      const k = field.values.indexOf(code);
      if (k >= 0) return FIRST_VALUE + k;
      if (field.rare.includes(code)) return RARE;
    }
    return UNSEEN;
  }

  /**
   * Codes of every term, and the numbers of numeric fields.
   *
   * `account` maps a field's name to what is typed (numbers, dates), `{ code }` or a text (categories), true or false
   * (yes, no), or a list of token positions; a field that is not there, null or "" is not known.
   */
  function encode(model, account) {
    const codes = new Uint16Array(model.terms.length);
    const numbers = new Map();
    const wrong = new Map();
    for (const field of model.fields) {
      const given = account[field.name];
      if (given === undefined || given === null || given === "") continue;
      const j = model.first.get(field);
      if (field.kind === "numeric") {
        const read = numberOf(model, field, given);
        if (read.wrong) wrong.set(field.name, read.wrong);
        if (Number.isNaN(read.value)) continue;
        numbers.set(j, read.value);
        codes[j] = binOf(field.edges, read.value);
      } else if (field.kind === "boolean") {
        codes[j] = given ? PRESENT : ABSENT;
      } else if (field.kind === "category") {
        codes[j] = typeof given === "object" ? given.code : categoryOf(field, given);
      } else {
        codes.fill(ABSENT, j, j + field.names.length);
        for (const token of given) codes[j + token] = PRESENT;
      }
    }
    return { codes, numbers, wrong };
  }

  const lookUp = (pair, table, codes) => (
    table[pair.rows[codes[pair.terms[0]]] * pair.width + pair.columns[codes[pair.terms[1]]]]
  );

  /** What pairs add to the contribution of each term that is in one: half of each pair. */
  function halvesOf(segment, codes) {
    const halves = new Map();
    for (const pair of segment.pairs) {
      const half = 0.5 * lookUp(pair, pair.values, codes);
      for (const j of pair.terms) halves.set(j, halves.has(j) ? halves.get(j) + half : half);
    }
    return halves;
  }

  function sum(segment, first, table, codes) {
    let total = first;
    segment[table].forEach((values, j) => { total += values[codes[j]]; });
    for (const pair of segment.pairs) total += lookUp(pair, pair[table], codes);
    return total;
  }

  function inSupport(segment, codes) {
    const { alone, together } = segment.support;
    if (alone.some(([j, odd]) => odd.includes(codes[j]))) return false;
    if (together.some(({ j, k, width, cells }) => cells.has(codes[j] * width + codes[k]))) return false;
    let total = 0;
    let known = 0;
    segment.support.terms.forEach((j, k) => {
      total += segment.support.odd[k][codes[j]];
      if (codes[j] !== MISSING) known += segment.support.weights[k];
    });
    return (known > 0 ? total / known : 0) <= segment.support.threshold;
  }

  const fitOf = (logOdds) => 100 / (1 + Math.exp(-logOdds));

  /**
   * The tables of the account's segment. The first are of all customers; from there on an account goes to the segment
   * whose rule it meets, and on to one within that. Where the value is not known it stays.
   */
  function segmentOf(model, codes) {
    return model.segments.reduce((found, segment) => {
      const { rule } = segment;
      const inside = rule && model.segments[rule.within] === found && rule.codes.includes(codes[rule.term]);
      return inside ? segment : found;
    });
  }

  /** Everything about one account. */
  function score(model, account) {
    const { codes, numbers, wrong } = encode(model, account);
    const segment = segmentOf(model, codes);
    const known = model.fields.filter((field) => codes[model.first.get(field)] !== MISSING).length;
    const logOdds = sum(segment, segment.base, "values", codes);
    const error = model.z90 * Math.sqrt(sum(segment, segment.base_variance, "variances", codes));
    const fit = fitOf(logOdds);
    const inside = known > 0 && inSupport(segment, codes);
    const excluded = segment.exclusions.find((rule) => rule.codes.includes(codes[rule.term]));
    const cut = model.cutoffs.findIndex((least) => fit >= least);
    const tier = cut < 0 ? LETTERS.length - 1 : cut;
    return {
      logOdds,
      fit,
      low: fitOf(logOdds - error),
      high: fitOf(logOdds + error),
      tier: known === 0 || excluded ? "none" : LETTERS[inside ? tier : Math.max(tier, LETTERS.indexOf("C"))],
      held: !inside && tier < LETTERS.indexOf("C"),
      inside,
      known,
      fields: model.fields.length,
      excluded: excluded ? excluded.reason : "",
      segment: segment.name,
      wrong,
      codes,
      reasons: known === 0 || excluded ? [] : reasonsOf(model, segment, codes, numbers),
    };
  }

  /** The largest contributions, largest first, each as a sentence; absent tokens count for half. */
  function reasonsOf(model, segment, codes, numbers) {
    const halves = halvesOf(segment, codes);
    const all = model.terms.map(({ field }, j) => {
      const own = segment.values[j][codes[j]];
      const half = halves.get(j);
      const contribution = half === undefined ? own : own + half;
      const size = Math.abs(contribution) * (field.kind === "tokens" && codes[j] === ABSENT ? 0.5 : 1);
      const together = half !== undefined && Math.abs(half) > Math.abs(own) ? Math.sign(own + half) : 0;
      return { j, field: field.name, contribution, size, together };
    });
    all.sort((a, b) => b.size - a.size || a.j - b.j);
    return all.slice(0, model.reasons)
      .filter((one) => Math.abs(one.contribution) >= model.smallest)
      .map((one) => ({ ...one, sentence: sentence(model, segment, one, codes[one.j], numbers.get(one.j)) }));
  }

  function sentence(model, segment, { j, together }, code, number) {
    const evidence = together
      ? model.texts[segment.together[j][together > 0 ? 1 : 0]]
      : model.texts[segment.evidence[j][code]];
    return `${subject(model, segment, j, code, number, together)} ${evidence}`;
  }

  /** "Uses Snowflake": what stands around every name, or where that differs a sentence for each. */
  function tokenWords(field, token, code) {
    const said = field.said[code - ABSENT];
    return said.length === 1 ? said[0][token] : `${said[0]}${field.names[token]}${said[1]}`;
  }

  function subject(model, segment, j, code, number, together) {
    const { field, token } = model.terms[j];
    if (code === MISSING) return field.unknown;
    if (field.kind === "tokens") return tokenWords(field, token, code);
    if (field.kind === "boolean") return field.said[code - ABSENT];
    if (field.kind === "category") {
      if (code < FIRST_VALUE) return code === UNSEEN ? field.unseen : field.few;
      return `${field.said} ${field.names[code - FIRST_VALUE]}`;
    }
    const shown = icpWords.value(field.form, icpWords.asShown(number, field.form));
    const place = model.texts[segment.places[j][together ? 1 : 0][code - 1]];
    const words = field.form === "count" ? `${shown} ${field.wording}` : `${field.wording} ${shown}`;
    return `${words.charAt(0).toUpperCase()}${words.slice(1)} (${place})`;
  }

  return { FIRST_BIN, FIRST_VALUE, RARE, UNSEEN, categoryOf, prepare, score };
})();
