CREATE TABLE "classifiers" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"options" jsonb NOT NULL,
	"added" bigint NOT NULL,
	"ended" bigint
);
--> statement-breakpoint
CREATE TABLE "crawl_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"crawler_id" text NOT NULL,
	"kind" text NOT NULL,
	"location" text NOT NULL,
	"sequencer" text,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "removals" (
	"id" text PRIMARY KEY NOT NULL,
	"crawler_id" text NOT NULL,
	"run_id" text NOT NULL,
	"state" text NOT NULL,
	"content" jsonb NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"decided_by" text,
	"decided_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "partitions" ADD COLUMN "stats" jsonb;--> statement-breakpoint
ALTER TABLE "table_states" ADD COLUMN "details" jsonb;--> statement-breakpoint
ALTER TABLE "crawlers" ADD COLUMN "settings" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "crawl_events" ADD CONSTRAINT "crawl_events_crawler_id_crawlers_id_fk" FOREIGN KEY ("crawler_id") REFERENCES "public"."crawlers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "removals" ADD CONSTRAINT "removals_crawler_id_crawlers_id_fk" FOREIGN KEY ("crawler_id") REFERENCES "public"."crawlers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "classifiers_name" ON "classifiers" USING btree ("name") WHERE ended is null;--> statement-breakpoint
CREATE INDEX "crawl_events_crawler" ON "crawl_events" USING btree ("crawler_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "removals_parked" ON "removals" USING btree ("crawler_id") WHERE state = 'PARKED';--> statement-breakpoint
CREATE INDEX "removals_crawler" ON "removals" USING btree ("crawler_id","at");