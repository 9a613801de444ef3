import type { GraphQLSchema } from 'graphql';
import { builder } from './builder.ts';
import './scalars.ts';
import './column.ts';
import './database.ts';
import './version.ts';
import './partition.ts';
import './change.ts';
import './table.ts';
import './record.ts';
import './lineage.ts';
import './search.ts';
import './sql.ts';
import './run.ts';
import './crawler.ts';
import './removal.ts';
import './classifier.ts';
import './job.ts';
import './connection.ts';
import './principal.ts';
import './status.ts';

/** The whole API. `schema.graphql` is this, printed. */
export const schema: GraphQLSchema = builder.toSchema();
