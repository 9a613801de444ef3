import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the heap near to what is alive. By itself V8 lets a small heap grow to four times of that before it cleans up, so a
 * crawl with 35 MB alive took 270 MB; with half as much more it takes 180 MB, in the same time.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=50');
}
