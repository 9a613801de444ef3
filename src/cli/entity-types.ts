import { textTable } from './text-table.ts';

/** What a source tells about a table besides its columns; here only what the sample of a DynamoDB table has shown. */
export interface Details {
  readonly source?: { readonly dynamodb?: { readonly sample?: Sample; readonly entityTypes?: readonly EntityType[] } };
}

interface Sample {
  readonly items: number;
  readonly whole: boolean;
  readonly mayMissBelowShare?: number;
}

interface EntityType {
  readonly name: string;
  readonly keyTemplate: Readonly<Record<string, string>>;
  readonly share: number;
  readonly confidence: string;
  readonly attributes: readonly {
    readonly name: string;
    readonly share: number;
    readonly types: Readonly<Record<string, number>>;
  }[];
}

/** The kinds of items in a table: their keys, how many they are, and what they are made of. */
export function entityTypesText(details: Details | null): string | undefined {
  const { sample, entityTypes = [] } = details?.source?.dynamodb ?? {};
  if (sample === undefined || entityTypes.length === 0) return undefined;
  const { items, whole, mayMissBelowShare } = sample;
  const missed = mayMissBelowShare === undefined ? '' : `; what is rarer than ${percent(mayMissBelowShare)} may be missing`;
  const read = whole ? `all ${items} items were read` : `${items} items were sampled${missed}`;
  const rows = entityTypes.map((type) => [
    type.name,
    Object.entries(type.keyTemplate)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, template]) => `${key}=${template}`)
      .join('  '),
    percent(type.share),
    type.confidence,
    attributesText(type),
  ]);
  const title = entityTypes.length === 1 ? '1 entity type' : `${entityTypes.length} entity types`;
  return `${title}; ${read}\n${textTable(['entity type', 'keys', 'share', 'confidence', 'attributes'], rows)}`;
}

/** Those that are not keys; a mark for those that are not always there, and the types of those that have several. */
function attributesText({ attributes, keyTemplate }: EntityType): string {
  const own = attributes.filter(({ name }) => !(name in keyTemplate));
  const texts = own.slice(0, 8).map(({ name, share, types }) => {
    const kinds = Object.keys(types).filter((type) => type !== 'null');
    return `${name}${share < 1 ? '?' : ''}${kinds.length > 1 ? ` (${shares(types).join(', ')})` : ''}`;
  });
  return own.length > texts.length ? `${texts.join(', ')} and ${own.length - texts.length} more` : texts.join(', ');
}

function shares(types: Readonly<Record<string, number>>): string[] {
  const all = Object.values(types).reduce((sum, count) => sum + count, 0);
  return Object.entries(types)
    .sort(([, a], [, b]) => b - a)
    .map(([type, count]) => `${percent(count / all)} ${type}`);
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
