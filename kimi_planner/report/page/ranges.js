// How far workloads are from their means makes how far all of them are: a norm, as the plan has it
// between 1, where they move as one, and 2 or more, where each moves by itself.
const norm = (parts, p) => {
  const most = Math.max(...parts.map(Math.abs)) || 1;
  const sum = parts.reduce((all, part) => all + Math.sign(part) * Math.abs(part / most) ** p, 0);
  return most * Math.sign(sum) * Math.abs(sum) ** (1 / p);
};
const exponent = (parts, whole) => {
  if (parts.filter(Boolean).length < 2) return 2; // the plan does not say how they move together
  let [low, high] = [1, 12];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (Math.abs(norm(parts, middle)) > Math.abs(whole)) low = middle;
    else high = middle;
  }
  return low;
};
