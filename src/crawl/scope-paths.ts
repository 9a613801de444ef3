import { fileAddress, parseAddress, s3Address } from '../connections/address.ts';
import { TenonError } from '../model/errors.ts';
import type { ObjectFinding } from './crawler.ts';

/** The address of the scope's root, as an object shows it: its own without its path. With `/` at its end. */
export function baseOf({ location, path }: Pick<ObjectFinding, 'location' | 'path'>): string {
  const whole = plainPath(location);
  if (!whole.endsWith(path)) {
    throw new TenonError('INTERNAL', `The crawler gave the path «${path.slice(0, 200)}» to ${location.slice(0, 500)}.`);
  }
  const parsed = parseAddress(location);
  const folder = whole.slice(0, whole.length - path.length);
  const address = parsed.scheme === 's3' ? s3Address(parsed.bucket, folder) : fileAddress(folder);
  return address.endsWith('/') ? address : `${address}/`;
}

/** A location as a path below a base; undefined where it is not below it. */
export function pathBelow(base: string, location: string): string | undefined {
  return location.startsWith(base) ? plainPath(location).slice(plainPath(base).length) : undefined;
}

/** As in a finding: not encoded, and with `/` at its end where the address has one. */
function plainPath(address: string): string {
  const parsed = parseAddress(address);
  const plain = parsed.scheme === 's3' ? parsed.key : parsed.file;
  return address.endsWith('/') && plain !== '' && !plain.endsWith('/') ? `${plain}/` : plain;
}

/** Places that belong to others; asked for every object, so the cost is that of its depth and not of their number. */
export class Foreign {
  private readonly owners: ReadonlyMap<string, string>;

  constructor(places: readonly { readonly location: string; readonly owner: string }[]) {
    this.owners = new Map(places.map(({ location, owner }) => [location.replace(/\/+$/, ''), owner]));
  }

  /** The place at or above a location. */
  at(location: string): { readonly location: string; readonly owner: string } | undefined {
    if (this.owners.size === 0) return undefined;
    for (let end = location.length; end > 0; end = location.lastIndexOf('/', end - 1)) {
      const place = location.slice(0, end);
      const owner = this.owners.get(place);
      if (owner !== undefined) return { location: place, owner };
    }
    return undefined;
  }
}
