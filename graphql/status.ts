import { authorize } from '../src/access/authorize.ts';
import { listFollowers, type FollowerState } from '../src/changes/follow.ts';
import { latestPosition } from '../src/changes/list.ts';
import { programVersion } from '../src/db/migrations.ts';
import { cleanUp } from '../src/etl/clean-up.ts';
import type { Position } from '../src/model/change.ts';
import { builder } from './builder.ts';

interface Status {
  readonly position: Position;
  readonly followers: readonly FollowerState[];
}

const FollowerRef = builder.objectRef<FollowerState>('Follower').implement({
  description: 'Something that follows the log, such as the search index.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    position: t.field({ type: 'Position', description: 'Up to here it has seen everything.', resolve: ({ cursor }) => cursor }),
    upToDate: t.exposeBoolean('upToDate', { description: 'No changes wait for it.' }),
    error: t.string({ nullable: true, description: 'Why it does not get on, while it does not.', resolve: ({ error }) => error }),
  }),
});

const StatusRef = builder.objectRef<Status>('Status').implement({
  description: 'How this Tenon is.',
  fields: (t) => ({
    version: t.string({ description: 'Of the program.', resolve: () => programVersion() }),
    position: t.field({
      type: 'Position',
      description: 'Of the last change: what `asOf` would be for now.',
      resolve: ({ position }) => position,
    }),
    followers: t.field({ type: [FollowerRef], description: 'Who follows the log.', resolve: ({ followers }) => [...followers] }),
  }),
});

const CleanedUpRef = builder.objectRef<{ removed: number; unknown: number; manifests: number }>('CleanedUp').implement({
  description: 'What a clean-up did.',
  fields: (t) => ({
    removed: t.exposeInt('removed', { description: 'Files that were removed.' }),
    manifests: t.exposeInt('manifests', {
      description: 'Lists of files that crashed crawls had kept and nothing names; none while a crawl is under way.',
    }),
    unknown: t.exposeInt('unknown', { description: 'Places that could not be reached; the next clean-up looks again.' }),
  }),
});

builder.queryFields((t) => ({
  status: t.field({
    type: StatusRef,
    description: 'How this Tenon is: its version, the end of its log, and who follows it.',
    resolve: async (_, __, { tenon: { ground }, as }) => {
      authorize(as, 'read', 'the status');
      return { position: await latestPosition(ground.db), followers: await listFollowers(ground.db) };
    },
  }),
}));

builder.mutationFields((t) => ({
  cleanUp: t.field({
    type: CleanedUpRef,
    description: 'Removes what crashed runs have left: files of jobs and lists of files of crawls that no partition names.',
    args: {
      olderThanMinutes: t.arg.int({
        defaultValue: 60,
        description: 'Younger files stay: the outcome of a commit may not be known yet.',
      }),
    },
    resolve: (_, { olderThanMinutes }, { tenon, as, signal }) => {
      authorize(as, 'write', 'files that runs have left');
      return cleanUp(tenon, { guardAgeMs: Math.max(0, olderThanMinutes ?? 60) * 60_000, ...(signal && { signal }) });
    },
  }),
}));
