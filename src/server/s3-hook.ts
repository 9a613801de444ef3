import type { FastifyInstance } from 'fastify';
import { readS3Events } from '../connections/s3-events.ts';
import type { Tenon } from '../tenon.ts';
import { whoSends } from './who.ts';

/** Where S3 servers send their notifications: one address for each crawler. What is taken is kept before it is answered. */
export async function mountS3Hook(app: FastifyInstance, tenon: Tenon): Promise<void> {
  await app.register(async (hooks) => {
    // SNS calls its JSON text/plain, and versitygw says no more than that it is JSON.
    hooks.removeAllContentTypeParsers();
    hooks.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    hooks.post<{ Params: { crawler: string } }>('/hooks/s3/:crawler', async (request, reply) => {
      const sender = await whoSends(tenon, request);
      const taken = await tenon.notices.take(sender, request.params.crawler, readS3Events(request.body));
      return reply.status(202).send(taken);
    });
  });
}
