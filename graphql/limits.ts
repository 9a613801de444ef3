import {
  GraphQLError,
  isObjectType,
  isInterfaceType,
  getNamedType,
  Kind,
  type ASTVisitor,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import { FIRST } from './page.ts';

/** What one query may ask for. The standard introspection query stays within all of these. */
export const QUERY_LIMITS = {
  /** Levels of fields. */
  depth: 20,
  /** Fields, those of fragments counted wherever they are used. */
  fields: 1_000,
  aliases: 100,
  /** Items that all lists together could hold: `first` of each, multiplied with that of the lists around it. */
  items: 100_000,
  /** The items of a list whose `first` comes in a variable. */
  unknownFirst: 1_000,
} as const;

/**
 * The bounds on a query, as rules of validation: they are looked at before anything runs, whatever executes the query.
 * Variables are not known then, so a list that takes its `first` from one counts as a full page.
 */
export const LIMIT_RULES = [limitRule];

function limitRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation) {
      const problem = new Measure(context).problemOf(operation);
      if (problem !== undefined)
        context.reportError(new GraphQLError(problem, { nodes: operation, extensions: { code: 'LIMIT' } }));
      return false;
    },
  };
}

class Measure {
  private readonly context: ValidationContext;
  private readonly path = new Set<FragmentDefinitionNode>();
  private fields = 0;
  private aliases = 0;
  private items = 0;
  private deepest = 0;

  constructor(context: ValidationContext) {
    this.context = context;
  }

  /** The first bound that the operation passes, in words. Nothing is walked beyond a bound, so this ends soon. */
  problemOf(operation: OperationDefinitionNode): string | undefined {
    this.walk(operation.selectionSet, this.context.getSchema().getRootType(operation.operation) ?? undefined, 1, 1);
    return this.problem();
  }

  private problem(): string | undefined {
    if (this.deepest > QUERY_LIMITS.depth) return `The query is more than ${QUERY_LIMITS.depth} levels deep.`;
    if (this.fields > QUERY_LIMITS.fields) return `The query has more than ${QUERY_LIMITS.fields} fields.`;
    if (this.aliases > QUERY_LIMITS.aliases) return `The query has more than ${QUERY_LIMITS.aliases} aliases.`;
    if (this.items > QUERY_LIMITS.items)
      return `The query could return more than ${QUERY_LIMITS.items} items; ask for fewer with «first».`;
    return undefined;
  }

  private walk(selections: SelectionSetNode, type: GraphQLNamedType | undefined, depth: number, times: number): void {
    this.deepest = Math.max(this.deepest, depth);
    for (const selection of selections.selections) {
      if (this.problem() !== undefined) return;
      if (selection.kind === Kind.FIELD) this.field(selection, type, depth, times);
      else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const on = selection.typeCondition && this.context.getSchema().getType(selection.typeCondition.name.value);
        this.walk(selection.selectionSet, on ?? type, depth, times);
      } else {
        // Counted like a field: fragments that hold only fragments would else cost nothing.
        this.fields += 1;
        this.fragment(this.context.getFragment(selection.name.value) ?? undefined, depth, times);
      }
    }
  }

  private fragment(fragment: FragmentDefinitionNode | undefined, depth: number, times: number): void {
    // A circle of fragments is another rule's to report, but must not be walked here.
    if (fragment === undefined || this.path.has(fragment)) return;
    this.path.add(fragment);
    this.walk(fragment.selectionSet, this.context.getSchema().getType(fragment.typeCondition.name.value), depth, times);
    this.path.delete(fragment);
  }

  private field(node: FieldNode, parent: GraphQLNamedType | undefined, depth: number, times: number): void {
    this.fields += 1;
    if (node.alias !== undefined) this.aliases += 1;
    const definition = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    const here = times * itemsOf(node, definition);
    if (here !== times) this.items += here;
    if (node.selectionSet) this.walk(node.selectionSet, definition && getNamedType(definition.type), depth + 1, here);
  }
}

function itemsOf(node: FieldNode, definition: GraphQLField<unknown, unknown> | undefined): number {
  if (definition?.args.some(({ name }) => name === 'first') !== true) return 1;
  const first = node.arguments?.find(({ name }) => name.value === 'first')?.value;
  if (first === undefined) return FIRST;
  return first.kind === Kind.INT ? Number(first.value) : QUERY_LIMITS.unknownFirst;
}
