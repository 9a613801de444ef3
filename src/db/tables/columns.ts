import { bigint, customType, timestamp } from 'drizzle-orm/pg-core';

/** Order-preserving partition keys, compared byte by byte whatever the database's locale is. */
export const keyArray = customType<{ data: string[]; driverData: string[] }>({ dataType: () => 'text[] collate "C"' });

export const bytea = customType<{ data: Uint8Array; driverData: Buffer }>({ dataType: () => 'bytea' });

/** A position in the log. A row is current while `ended` is null; as-of reads are a condition on the two. */
export const added = () => bigint('added', { mode: 'bigint' }).notNull();
export const ended = () => bigint('ended', { mode: 'bigint' });
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
export const count = (name: string) => bigint(name, { mode: 'bigint' });
