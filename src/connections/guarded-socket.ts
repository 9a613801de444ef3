import { lookup as resolve, type LookupAddress } from 'node:dns';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect, Socket, type LookupFunction, type NetConnectOpts } from 'node:net';
import { TenonError } from '../model/errors.ts';
import { refusedAddress, refusedHost, type HostRules } from './allowed-hosts.ts';

/** Throws HOST_NOT_ALLOWED. Enough for addresses and sockets; a name is judged again by what it resolves to. */
export function checkHost(host: string, rules: HostRules): void {
  const why = refusedHost(host, rules);
  if (why !== undefined) throw notAllowed(host, why);
}

/**
 * As `dns.lookup`, for `net.connect`, which connects to what comes out of it. One address that is refused refuses the name:
 * an honest name has no such address, and which of them is taken is not ours to say.
 */
export function guardedLookup(rules: HostRules): LookupFunction {
  return (host, options, callback) => {
    const why = refusedHost(host, rules);
    if (why !== undefined) return callback(notAllowed(host, why), '', 0);
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0);
      const refused = found.map(({ address }) => refusedAddress(host, address, rules)).find((reason) => reason !== undefined);
      const [first] = found;
      if (refused !== undefined) callback(notAllowed(host, refused), '', 0);
      else if (options.all === true) callback(null, found as LookupAddress[]);
      else callback(null, first?.address ?? '', first?.family ?? 0);
    });
  };
}

/** A socket for drivers that make their own: it connects only to hosts that are allowed. */
export function guardedConnect(options: { host: string; port: number }, rules: HostRules): Socket {
  checkHost(options.host, rules);
  const socket = connect({ ...options, lookup: guardedLookup(rules) });
  // What Node compares a certificate with where the driver names no server, as for an address. It would take «localhost».
  return Object.assign(socket, { _host: options.host });
}

/** For drivers that want a socket which they connect themselves (`socket.connect(port, host)`). */
export function guardedSocket(rules: HostRules): Socket {
  const socket = new Socket();
  const plain = socket.connect.bind(socket) as (options: NetConnectOpts) => Socket;
  const guarded = (portOrPath: number | string, host = 'localhost'): Socket => {
    if (typeof portOrPath === 'string') return plain({ path: portOrPath });
    const why = refusedHost(host, rules);
    if (why === undefined) return plain({ host, port: portOrPath, lookup: guardedLookup(rules) });
    return socket.destroy(notAllowed(host, why));
  };
  return Object.assign(socket, { connect: guarded as Socket['connect'] });
}

/** As many as `crawl.parallelReads` can ask for at once; fewer would be a second limit that nobody set. */
const MAX_SOCKETS = 256;

/** Agents of Node for the AWS SDK. They follow no redirect: neither does the SDK. */
export function guardedAgents(rules: HostRules): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS, lookup: guardedLookup(rules) };
  return { httpAgent: guard(new HttpAgent(options), rules), httpsAgent: guard(new HttpsAgent(options), rules) };
}

function guard<T extends HttpAgent>(agent: T, rules: HostRules): T {
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    checkHost(options.host ?? 'localhost', rules);
    return create(options, callback);
  };
  return agent;
}

function notAllowed(host: string, why: string): TenonError {
  const shown = host.slice(0, 300);
  return new TenonError('HOST_NOT_ALLOWED', `Nothing may be fetched from «${shown}»: it ${why}.`, { host: shown });
}
