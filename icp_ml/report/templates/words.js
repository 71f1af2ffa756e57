// Numbers as the library writes them in its sentences (icp_ml/estimator/labels.py and scoring/reasons.py).

const icpWords = (() => {
  "use strict";

  const MAGNITUDES = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];
  const DAYS_OF_MONTH = 30.4375;
  const DAYS_OF_YEAR = 365.25;

  /** Round half to even, as Python and numpy do. */
  function even(number) {
    const down = Math.floor(number);
    const rest = number - down;
    if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
    return down % 2 === 0 ? down : down + 1;
  }

  /** Whole number with thousands separated by commas, from a number of any size. */
  function whole(number) {
    const digits = BigInt(even(Math.abs(number))).toString();
    const grouped = digits.replace(/\B(?=(\d{3})+$)/g, ",");
    return (number < 0 || Object.is(number, -0)) ? `-${grouped}` : grouped;
  }

  /** Three significant digits without trailing zeros, as Python's ".3g". */
  function brief(number) {
    const [mantissa, exponent] = number.toExponential(2).split("e");
    const power = Number(exponent);
    const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    if (power >= -4 && power < 3) return short(number.toPrecision(3));
    return `${short(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }

  function plain(number) {
    if (number === 0) return "0";
    if (Math.abs(number) >= 999.5 || Number.isInteger(number)) {
      return Math.abs(number) < 1e15 ? whole(number) : brief(number);
    }
    return brief(number);
  }

  function money(number) {
    const sign = number < 0 ? "-" : "";
    const size = Math.abs(number);
    for (const [magnitude, letter] of MAGNITUDES) {
      if (size >= 0.9995 * magnitude) return `${sign}$${plain(size / magnitude)}${letter}`;
    }
    return `${sign}$${whole(size)}`;
  }

  function duration(days) {
    let count = even(days / DAYS_OF_YEAR);
    let unit = "year";
    if (days < 60 && even(days) !== 30 && even(days) !== 31) {
      [count, unit] = [even(days), "day"];
    } else if (days < 730) {
      [count, unit] = [even(days / DAYS_OF_MONTH), "month"];
    }
    return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }

  /** One number as a reader writes it. */
  function value(form, number) {
    switch (form) {
      case "money": return money(number);
      case "share": return `${plain(100 * number)}%`;
      case "year": return String(even(number));
      case "date": return `${duration(number)} ago`;
      case "age": return number >= 0.5 ? `${whole(number)} year${even(number) === 1 ? "" : "s"} ago` : "this year";
      case "count": return whole(number);
      default: return plain(number);
    }
  }

  /** What a sentence shows of a number: three significant digits where it is large. */
  function asShown(number, form) {
    const rounded = even(number);
    if (form === "year" || form === "age") return rounded;
    const size = Math.abs(number);
    if (form === "count" && size < 10000) return rounded;
    const power = Math.floor(Math.log10(size > 0 ? size : 1)) - 2;
    const step = Number(`1e${Math.abs(power)}`);
    return power >= 0 ? even(number / step) * step : even(number * step) / step;
  }

  return { asShown, value };
})();
