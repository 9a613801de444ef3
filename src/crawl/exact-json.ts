import { TenonError } from '../model/errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const TEXT_OR_LONG = /"(?:[^"\\]|\\[^])*"|-?\d{16,}(?![\d.eE])/g;

/** JSON with its integers exact: those that no number holds (ids of 64 bits) come as their digits. Throws DATA_UNREADABLE. */
export function readExactJson(path: string, text: string): Json {
  try {
    return JSON.parse(text.replace(TEXT_OR_LONG, (found) => (found.startsWith('"') ? found : `"${found}"`))) as Json;
  } catch (cause) {
    throw new TenonError('DATA_UNREADABLE', `${path} is no JSON.`, { path }, { cause });
  }
}

export function asObject(json: Json | undefined): { readonly [name: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as { readonly [name: string]: Json }) : {};
}

export function asList(json: Json | undefined): readonly Json[] {
  return Array.isArray(json) ? (json as readonly Json[]) : [];
}

export function asText(json: Json | undefined): string | undefined {
  return typeof json === 'string' ? json : typeof json === 'number' ? String(json) : undefined;
}

export function asNumber(json: Json | undefined): number | undefined {
  return typeof json === 'number' ? json : undefined;
}
