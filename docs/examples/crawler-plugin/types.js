/**
 * The type of a place in a JSON Schema, in Hive's spelling. What a column cannot say (one of several types, null alone) is a
 * string: a reader then gives the JSON text.
 *
 * @param {Record<string, any>} schema
 * @returns {string}
 */
export function typeOf(schema) {
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
  if (types.length !== 1) return 'string';
  switch (types[0]) {
    case 'integer':
      return 'bigint';
    case 'number':
      return 'double';
    case 'boolean':
      return 'boolean';
    case 'array':
      return `array<${typeOf(schema.items ?? {})}>`;
    case 'object':
      return objectType(schema);
    default:
      return schema.format === 'date' ? 'date' : schema.format === 'date-time' ? 'timestamp with local time zone' : 'string';
  }
}

/** @param {Record<string, any>} schema */
function objectType({ properties = {}, additionalProperties }) {
  const fields = Object.entries(properties).map(([name, field]) => `\`${name.replaceAll('`', '``')}\`:${typeOf(field)}`);
  if (fields.length > 0) return `struct<${fields.join(',')}>`;
  return `map<string,${typeOf(typeof additionalProperties === 'object' ? additionalProperties : {})}>`;
}
