import {
  defineClassifier,
  dropClassifier,
  findClassifier,
  listClassifiers,
  type ClassifierDefinition,
} from '../src/crawl/custom-classifiers.ts';
import { builder } from './builder.ts';
import { inWrite } from './in-write.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';
import { readObject } from './parameters.ts';

const ClassifierRef = builder.objectRef<ClassifierDefinition>('Classifier').implement({
  description: 'A classifier of one’s own. Crawlers name it in their settings; it is asked before the built-in ones.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'In lower case.' }),
    kind: t.exposeString('kind', { description: '`grok`, `csv`, `json` or `xml`.' }),
    options: t.field({
      type: 'JSON',
      description: 'An object whose fields belong to the kind; docs/crawlers.md lists them.',
      resolve: ({ options }) => options,
    }),
  }),
});

const ClassifierConnection = builder.connectionObject(
  { type: ClassifierRef, name: 'ClassifierConnection', description: 'A page of custom classifiers.' },
  { name: 'ClassifierEdge', description: 'A custom classifier in a list.' },
);

builder.queryFields((t) => ({
  classifier: t.field({
    type: ClassifierRef,
    nullable: true,
    description: 'The custom classifier of this name; null when there is none.',
    args: { name: t.arg.string({ required: true, description: 'Its name, in any case.' }) },
    resolve: (_, { name }, { tenon, as }) => findClassifier(tenon.ground.db, as, name),
  }),
  classifiers: t.field({
    type: ClassifierConnection,
    description: 'All custom classifiers, by name.',
    args: pageArgs(t),
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await listClassifiers(tenon.ground.db, as, pageOf(args, tenon.config.limits)), args, same),
  }),
}));

const ClassifierInput = builder.inputType('ClassifierInput', {
  description: 'A custom classifier to define.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'Its name; it is kept in lower case. The same name again changes that classifier.',
    }),
    kind: t.string({ required: true, description: '`grok`, `csv`, `json` or `xml`.' }),
    options: t.field({ type: 'JSON', description: 'An object whose fields belong to the kind.' }),
  }),
});

builder.mutationFields((t) => ({
  defineClassifier: t.field({
    type: ClassifierRef,
    description: 'Makes a classifier or changes it. What was crawled already stays as it is until its files change.',
    args: { classifier: t.arg({ type: ClassifierInput, required: true, description: 'What it is to be.' }) },
    resolve: (_, { classifier }, context) =>
      inWrite(context, (w) => {
        const { name, kind, options } = classifier;
        return defineClassifier(w, { name, kind, options: readObject(options ?? {}, 'options') });
      }),
  }),
  dropClassifier: t.field({
    type: ClassifierRef,
    description: 'Ends a classifier and returns it as it was. Crawlers that name it fail until they do so no more.',
    args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
    resolve: (_, { name }, context) => inWrite(context, (w) => dropClassifier(w, name)),
  }),
}));
