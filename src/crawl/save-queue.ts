import { isSame, save, type Save, type SaveContext } from './save.ts';

/** Saves that wait for their transaction, and the one save that may be under way while the listing goes on. */
export class SaveQueue {
  private pending: Save[] = [];
  private pendingRows = 0;
  private saving: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;

  /** Rows that wait. */
  get rows(): number {
    return this.pendingRows;
  }

  get isBusy(): boolean {
    return this.saving !== undefined;
  }

  /** What says nothing new does not wait: it is not even worth a transaction. */
  add(one: Save): void {
    if (isSame(one)) return;
    this.pending.push(one);
    this.pendingRows += one.partitions.length + 1;
  }

  /** Begins to save all that waits; with nothing that waits only where the checkpoint has `moved`. */
  begin(context: SaveContext, moved: boolean): void {
    const saves = this.pending;
    this.pending = [];
    this.pendingRows = 0;
    if (saves.length > 0 || moved) this.saving = this.follow(save(context, saves));
  }

  /** Waits for the save that is under way, and fails as one did. */
  async saved(): Promise<void> {
    await this.quiet();
    if (this.failure !== undefined) throw this.failure.error;
  }

  /** Waits until nothing is being saved, however it ends. */
  async quiet(): Promise<void> {
    await this.saving;
  }

  private async follow(saving: Promise<void>): Promise<void> {
    try {
      await saving;
    } catch (error) {
      this.failure ??= { error };
    } finally {
      this.saving = undefined;
    }
  }
}
