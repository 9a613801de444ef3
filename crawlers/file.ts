import { parseAddress, fileAddress } from '../src/connections/address.ts';
import { TenonError } from '../src/model/errors.ts';
import { objectCrawler } from './object-crawler.ts';

/** Folders: `file:///data/lake`. */
export const fileCrawler = objectCrawler({
  kind: 'file',
  checkUrl,
  fromUrl: (url) => (url.protocol === 'file:' ? checkUrl(url.href) : undefined),
});

/** One spelling for one folder, so that its scope stays the same with a slash at the end and without. */
function checkUrl(url: string): string {
  const address = parseAddress(url);
  if (address.scheme !== 'file') throw new TenonError('BAD_INPUT', 'The URL of a file crawler begins with file:///.');
  return fileAddress(address.file.replace(/(?<=.)\/+$/, ''));
}
