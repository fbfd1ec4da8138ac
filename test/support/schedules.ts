/**
 * Walks every schedule of a small concurrent program: `run` is executed again and again, and each time its `choose` takes
 * another way, depth first, until all are done. Stateless: a run starts from nothing and must do the same for the same choices.
 */

/** One of 0 … `optionCount` − 1. */
export type Choose = (optionCount: number) => number;

/** Returns how many schedules there were; throws when there are more than `maxScheduleCount` (then the bound is too wide). */
export function walkSchedules(maxScheduleCount: number, run: (choose: Choose) => void): number {
  const path: number[] = [];
  const optionCounts: number[] = [];
  let scheduleCount = 0;
  for (;;) {
    let depth = 0;
    run((optionCount) => {
      if (depth === path.length) {
        path.push(0);
        optionCounts.push(optionCount);
      }
      return path[depth++] as number;
    });
    if (++scheduleCount > maxScheduleCount) throw new Error(`more than ${maxScheduleCount} schedules`);
    // Back to the last choice that has another option.
    while (path.length > 0 && (path.at(-1) as number) + 1 === optionCounts.at(-1)) {
      path.pop();
      optionCounts.pop();
    }
    if (path.length === 0) return scheduleCount;
    path[path.length - 1] = (path.at(-1) as number) + 1;
  }
}
