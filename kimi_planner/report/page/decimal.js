// Exact decimals: a whole number, and how many of its digits stand after the point.
const known = new Map();
const decimal = (text) => {
  if (!known.has(text)) {
    const [whole, part = ""] = text.split(".");
    known.set(text, [BigInt(whole + part), part.length]);
  }
  return known.get(text);
};
const ZERO = decimal("0");
const ONE = decimal("1");
const plus = (one, other) => {
  const places = Math.max(one[1], other[1]);
  const units = ([number, digits]) => number * 10n ** BigInt(places - digits);
  return [units(one) + units(other), places];
};
const times = (one, other) => [one[0] * other[0], one[1] + other[1]];
const power = (base, exponent) => (exponent === 0 ? ONE : times(base, power(base, exponent - 1)));
const total = (amounts) => amounts.reduce(plus, ZERO);
const written = ([number, places]) => {
  const digits = (number < 0n ? -number : number).toString().padStart(places + 1, "0");
  const text = `${digits.slice(0, digits.length - places)}.${digits.slice(digits.length - places)}`;
  return (number < 0n ? "-" : "") + text.replace(/\.?0*$/, "");
};
const float = (amount) => Number(written(amount));

// Whole cents of one of so many parts of an amount that is not negative, half up as reports round.
const cents = (amount, parts) => {
  const below = BigInt(parts) * 10n ** BigInt(amount[1]);
  return (200n * amount[0] + below) / (2n * below);
};
// Cents, with separators and two places.
const money = (value) => {
  const digits = (value < 0n ? -value : value).toString().padStart(3, "0");
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${value < 0n ? "-" : ""}${whole}.${digits.slice(-2)}`;
};
