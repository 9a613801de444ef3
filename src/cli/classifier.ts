import type { Command } from 'commander';
import { moreText, nextOf, nodesOf, pageOptions, type Connection, type Perform } from './command.ts';
import { optionsOf } from './crawl.ts';
import { plain, textTable } from './text-table.ts';

interface ClassifierAnswer {
  readonly name: string;
  readonly kind: string;
  readonly options: Record<string, unknown>;
}

const FIELDS = 'name kind options';

const EXAMPLES = `
Examples:
  tenon classifier add app-log grok --option 'pattern=%{TIMESTAMP_ISO8601:at} %{LOGLEVEL:level} %{GREEDYDATA:text}'
  tenon classifier add bars csv --option 'delimiter=|' header=ABSENT names=id names=city
  tenon classifier add rows json --option 'path=$.rows[*]'`;

export function addClassifier(program: Command, perform: Perform): void {
  const classifier = program.command('classifier').summary('classifiers of one’s own: add, list and drop them');
  classifier
    .command('add')
    .summary('add a classifier, or change it')
    .argument('<name>')
    .argument('<kind>', 'grok, csv, json or xml')
    .option('--option <key=value...>', 'an option of the kind; a key given twice is a list')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, kind: string, { option = [] }: { option?: readonly string[] }, self: Command) => {
      await perform(self, async (client) => {
        const { defineClassifier } = await client.ask<{ defineClassifier: ClassifierAnswer }>(
          `mutation ($classifier: ClassifierInput!) { defineClassifier(classifier: $classifier) { ${FIELDS} } }`,
          { classifier: { name, kind, options: optionsOf(option) } },
        );
        return { json: { classifier: defineClassifier }, text: `Added ${plain(name)}.` };
      });
    });
  pageOptions(classifier.command('list').summary('list the classifiers'), 100)
    .addHelpText('after', '\nExample:\n  tenon classifier list')
    .action(async (_options, self: Command) => {
      const { limit, after } = self.opts<{ limit: number; after?: string }>();
      await perform(self, async (client) => {
        const { classifiers } = await client.ask<{ classifiers: Connection<ClassifierAnswer> }>(
          `query ($first: Int, $after: String) { classifiers(first: $first, after: $after) { edges { node { ${FIELDS} } } pageInfo { hasNextPage endCursor } } }`,
          { first: limit, after },
        );
        const found = nodesOf(classifiers);
        const next = nextOf(classifiers.pageInfo);
        const text = textTable(
          ['name', 'kind', 'options'],
          found.map(({ name, kind, options }) => [name, kind, JSON.stringify(options)]),
        );
        return {
          json: { classifiers: found, ...(next !== null && { next }) },
          text: (found.length === 0 ? 'There are no classifiers yet.' : text) + moreText(next),
        };
      });
    });
  classifier
    .command('drop')
    .summary('drop a classifier')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  tenon classifier drop app-log')
    .action(async (name: string, _options, self: Command) => {
      await perform(self, async (client) => {
        await client.ask('mutation ($name: String!) { dropClassifier(name: $name) { name } }', { name });
        return { json: { classifier: { name } }, text: `Dropped ${plain(name)}.` };
      });
    });
}
