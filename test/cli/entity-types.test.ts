import { expect, it } from 'vitest';
import { entityTypesText } from '../../src/cli/entity-types.ts';

const USER = {
  name: 'USER_PROFILE',
  keyTemplate: { SK: 'PROFILE', PK: 'USER#{id}' },
  share: 0.034,
  confidence: 'medium',
  attributes: [
    { name: 'PK', share: 1, types: { string: 9 } },
    { name: 'total', share: 0.5, types: { bigint: 3, string: 1, null: 1 } },
  ],
};

it('the entity types of a table are shown with their keys, and with what a sample may have missed', () => {
  const sample = { items: 9_000, whole: false, mayMissBelowShare: 0.00033 };
  expect(entityTypesText({ source: { dynamodb: { sample, entityTypes: [USER] } } })?.split('\n')).toEqual([
    '1 entity type; 9000 items were sampled; what is rarer than 0.033 % may be missing',
    expect.stringMatching(/^entity type +keys +share +confidence +attributes/),
    expect.stringContaining('───'),
    expect.stringMatching(
      /^USER_PROFILE +PK=USER#\{id\} {2}SK=PROFILE +3\.4 % +medium +total\? \(60 % bigint, 20 % string, 20 % null\)$/,
    ),
  ]);
  const whole = { sample: { items: 5, whole: true }, entityTypes: [USER, USER] };
  expect(entityTypesText({ source: { dynamodb: whole } })).toMatch(/^2 entity types; all 5 items were read\n/);
});

it('tables of other sources have none', () => {
  expect(entityTypesText(null)).toBeUndefined();
  expect(entityTypesText({})).toBeUndefined();
});
