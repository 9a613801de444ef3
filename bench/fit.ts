/** How something grows: y = c · x^exponent. 1 is linear, 0 flat; `r2` says how well that fits, 1 being exactly. */
export interface Growth {
  readonly exponent: number;
  readonly r2: number;
}

/** By least squares on the logarithms. */
export function growthOf(points: readonly { readonly x: number; readonly y: number }[]): Growth {
  const logs = points.map(({ x, y }) => [Math.log(x), Math.log(y)] as const);
  const mean = (at: 0 | 1): number => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const sum = (of: (dx: number, dy: number) => number): number => logs.reduce((all, [x, y]) => all + of(x - mx, y - my), 0);
  const [xx, xy, yy] = [sum((dx) => dx * dx), sum((dx, dy) => dx * dy), sum((_, dy) => dy * dy)];
  return { exponent: xy / xx, r2: yy === 0 ? 1 : (xy * xy) / (xx * yy) };
}
