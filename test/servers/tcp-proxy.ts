import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What happens to a chunk on its way to the server: it passes, the connection is reset, or nothing comes any more. */
export type Fault = 'pass' | 'reset' | 'hang';

export interface TcpProxy {
  readonly port: number;
  /** Connections and chunks of questions so far, in one count: what `decide` is asked with. */
  count(): number;
  /** From now on, and counting from zero. */
  decide(fault: (index: number) => Fault): void;
  close(): Promise<void>;
}

/** A port of 127.0.0.1 that leads elsewhere, and fails as it is told to. */
export async function openTcpProxy(to: { host: string; port: number }): Promise<TcpProxy> {
  let seen = 0;
  let decided: (index: number) => Fault = () => 'pass';
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  };
  const server = createServer((client) => {
    keep(client);
    const fault = decided(seen++);
    if (fault === 'reset') return void client.resetAndDestroy();
    if (fault === 'hang') return;
    const upstream = connect(to);
    keep(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    upstream.pipe(client);
    let hung = false;
    client.on('data', (chunk) => {
      const now = hung ? 'hang' : decided(seen++);
      if (now === 'pass') upstream.write(chunk);
      else if (now === 'reset') client.resetAndDestroy();
      else hung = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    count: () => seen,
    decide(fault) {
      seen = 0;
      decided = fault;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
