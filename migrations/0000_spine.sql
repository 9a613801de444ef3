-- Trigrams over the search terms. The extension is trusted, so the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;--> statement-breakpoint
CREATE SEQUENCE "public"."changes_position" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "principals" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"added" bigint NOT NULL,
	"ended" bigint
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" text PRIMARY KEY NOT NULL,
	"principal_id" text NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "databases" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"owner" text NOT NULL,
	"parameters" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"added" bigint NOT NULL,
	"ended" bigint
);
--> statement-breakpoint
CREATE TABLE "lineage" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"from_table_id" text NOT NULL,
	"from_column" text,
	"to_table_id" text NOT NULL,
	"to_column" text,
	"producer" text NOT NULL,
	"run_id" text,
	"added" bigint NOT NULL,
	"ended" bigint
);
--> statement-breakpoint
CREATE TABLE "manifests" (
	"hash" text PRIMARY KEY NOT NULL,
	"packed" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "partitions" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"table_id" text NOT NULL,
	"values" text[] NOT NULL,
	"key" text[] COLLATE "C" NOT NULL,
	"location" text NOT NULL,
	"format" jsonb,
	"schema_hash" text,
	"owner" text NOT NULL,
	"rows" bigint,
	"bytes" bigint,
	"files" integer NOT NULL,
	"manifest_hash" text,
	"added" bigint NOT NULL,
	"ended" bigint
);
--> statement-breakpoint
CREATE TABLE "schemas" (
	"hash" text PRIMARY KEY NOT NULL,
	"content" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "table_states" (
	"table_id" text NOT NULL,
	"added" bigint NOT NULL,
	"ended" bigint,
	"type" text NOT NULL,
	"location" text,
	"format" jsonb,
	"description" text,
	"owner" text NOT NULL,
	"connection" text,
	"parameters" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"version" integer NOT NULL,
	CONSTRAINT "table_states_table_id_added_pk" PRIMARY KEY("table_id","added")
);
--> statement-breakpoint
CREATE TABLE "tables" (
	"id" text PRIMARY KEY NOT NULL,
	"database_id" text NOT NULL,
	"name" text NOT NULL,
	"added" bigint NOT NULL,
	"ended" bigint
);
--> statement-breakpoint
CREATE TABLE "versions" (
	"table_id" text NOT NULL,
	"number" integer NOT NULL,
	"schema_hash" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"added" bigint NOT NULL,
	"ended" bigint,
	"run_id" text,
	CONSTRAINT "versions_table_id_number_pk" PRIMARY KEY("table_id","number")
);
--> statement-breakpoint
CREATE TABLE "changes" (
	"position" bigint PRIMARY KEY NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"database" text,
	"table" text,
	"principal" text NOT NULL,
	"owner" text NOT NULL,
	"run_id" text,
	"before" jsonb,
	"after" jsonb,
	"details" jsonb
);
--> statement-breakpoint
CREATE TABLE "followers" (
	"name" text PRIMARY KEY NOT NULL,
	"cursor" bigint NOT NULL,
	"moved_at" timestamp with time zone NOT NULL,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "connections" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"options" jsonb NOT NULL,
	"secret" "bytea",
	"added" bigint NOT NULL,
	"ended" bigint
);
--> statement-breakpoint
CREATE TABLE "crawlers" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"options" jsonb NOT NULL,
	"connection" text,
	"database" text NOT NULL,
	"description" text,
	"added" bigint NOT NULL,
	"ended" bigint
);
--> statement-breakpoint
CREATE TABLE "scopes" (
	"crawler_id" text NOT NULL,
	"scope" text NOT NULL,
	"seen_at" timestamp with time zone NOT NULL,
	"run_id" text NOT NULL,
	CONSTRAINT "scopes_crawler_id_scope_pk" PRIMARY KEY("crawler_id","scope")
);
--> statement-breakpoint
CREATE TABLE "bookmarks" (
	"job_name" text NOT NULL,
	"input" text NOT NULL,
	"table_id" text NOT NULL,
	"partition" text NOT NULL,
	"manifest_hash" text NOT NULL,
	"run_id" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "bookmarks_job_name_input_table_id_partition_pk" PRIMARY KEY("job_name","input","table_id","partition")
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"definition" jsonb NOT NULL,
	"added" bigint NOT NULL,
	"ended" bigint
);
--> statement-breakpoint
CREATE TABLE "pins" (
	"job_id" text NOT NULL,
	"input" text NOT NULL,
	"table_id" text NOT NULL,
	"version" integer NOT NULL,
	"columns" text[] NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "pins_job_id_input_pk" PRIMARY KEY("job_id","input")
);
--> statement-breakpoint
CREATE TABLE "search_documents" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"table_id" text,
	"description" text,
	"words" "tsvector" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "search_terms" (
	"term" text PRIMARY KEY NOT NULL,
	"documents" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "run_logs" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"run_id" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"level" text NOT NULL,
	"message" text NOT NULL,
	"fields" jsonb
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"state" text NOT NULL,
	"params" jsonb NOT NULL,
	"principal_id" text NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"lease_until" timestamp with time zone,
	"checkpoint" jsonb,
	"progress" jsonb,
	"result" jsonb,
	"error" jsonb,
	"created_at" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lineage" ADD CONSTRAINT "lineage_from_table_id_tables_id_fk" FOREIGN KEY ("from_table_id") REFERENCES "public"."tables"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lineage" ADD CONSTRAINT "lineage_to_table_id_tables_id_fk" FOREIGN KEY ("to_table_id") REFERENCES "public"."tables"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "partitions" ADD CONSTRAINT "partitions_table_id_tables_id_fk" FOREIGN KEY ("table_id") REFERENCES "public"."tables"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "partitions" ADD CONSTRAINT "partitions_schema_hash_schemas_hash_fk" FOREIGN KEY ("schema_hash") REFERENCES "public"."schemas"("hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "partitions" ADD CONSTRAINT "partitions_manifest_hash_manifests_hash_fk" FOREIGN KEY ("manifest_hash") REFERENCES "public"."manifests"("hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "table_states" ADD CONSTRAINT "table_states_table_id_tables_id_fk" FOREIGN KEY ("table_id") REFERENCES "public"."tables"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tables" ADD CONSTRAINT "tables_database_id_databases_id_fk" FOREIGN KEY ("database_id") REFERENCES "public"."databases"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "versions" ADD CONSTRAINT "versions_table_id_tables_id_fk" FOREIGN KEY ("table_id") REFERENCES "public"."tables"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "versions" ADD CONSTRAINT "versions_schema_hash_schemas_hash_fk" FOREIGN KEY ("schema_hash") REFERENCES "public"."schemas"("hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "scopes" ADD CONSTRAINT "scopes_crawler_id_crawlers_id_fk" FOREIGN KEY ("crawler_id") REFERENCES "public"."crawlers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "bookmarks" ADD CONSTRAINT "bookmarks_table_id_tables_id_fk" FOREIGN KEY ("table_id") REFERENCES "public"."tables"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "bookmarks" ADD CONSTRAINT "bookmarks_manifest_hash_manifests_hash_fk" FOREIGN KEY ("manifest_hash") REFERENCES "public"."manifests"("hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pins" ADD CONSTRAINT "pins_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pins" ADD CONSTRAINT "pins_table_id_tables_id_fk" FOREIGN KEY ("table_id") REFERENCES "public"."tables"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "run_logs" ADD CONSTRAINT "run_logs_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "principals_name" ON "principals" USING btree ("name") WHERE ended is null;--> statement-breakpoint
CREATE UNIQUE INDEX "tokens_hash" ON "tokens" USING btree ("hash");--> statement-breakpoint
CREATE UNIQUE INDEX "databases_name" ON "databases" USING btree ("name") WHERE ended is null;--> statement-breakpoint
CREATE INDEX "databases_history" ON "databases" USING btree ("name","added");--> statement-breakpoint
CREATE INDEX "lineage_from" ON "lineage" USING btree ("from_table_id","added");--> statement-breakpoint
CREATE INDEX "lineage_to" ON "lineage" USING btree ("to_table_id","added");--> statement-breakpoint
CREATE INDEX "partitions_key1" ON "partitions" USING btree ("table_id",(key[1]),"id");--> statement-breakpoint
CREATE INDEX "partitions_key2" ON "partitions" USING btree ("table_id",(key[2]),"id");--> statement-breakpoint
CREATE INDEX "partitions_key3" ON "partitions" USING btree ("table_id",(key[3]),"id");--> statement-breakpoint
CREATE INDEX "partitions_key4" ON "partitions" USING btree ("table_id",(key[4]),"id");--> statement-breakpoint
CREATE UNIQUE INDEX "partitions_current" ON "partitions" USING btree ("table_id","key") WHERE ended is null;--> statement-breakpoint
CREATE INDEX "partitions_added" ON "partitions" USING btree ("table_id","added");--> statement-breakpoint
CREATE INDEX "partitions_ended" ON "partitions" USING btree ("table_id","ended");--> statement-breakpoint
CREATE UNIQUE INDEX "table_states_current" ON "table_states" USING btree ("table_id") WHERE ended is null;--> statement-breakpoint
CREATE INDEX "table_states_owner" ON "table_states" USING btree ("owner") WHERE ended is null;--> statement-breakpoint
CREATE UNIQUE INDEX "tables_name" ON "tables" USING btree ("database_id","name") WHERE ended is null;--> statement-breakpoint
CREATE INDEX "tables_history" ON "tables" USING btree ("database_id","name","added");--> statement-breakpoint
CREATE INDEX "changes_subject" ON "changes" USING btree ("subject","position");--> statement-breakpoint
CREATE INDEX "changes_table" ON "changes" USING btree ("database","table","position");--> statement-breakpoint
CREATE UNIQUE INDEX "connections_name" ON "connections" USING btree ("name") WHERE ended is null;--> statement-breakpoint
CREATE UNIQUE INDEX "crawlers_name" ON "crawlers" USING btree ("name") WHERE ended is null;--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_name" ON "jobs" USING btree ("name") WHERE ended is null;--> statement-breakpoint
CREATE INDEX "jobs_history" ON "jobs" USING btree ("name","added");--> statement-breakpoint
CREATE INDEX "search_documents_words" ON "search_documents" USING gin ("words");--> statement-breakpoint
CREATE INDEX "search_documents_table" ON "search_documents" USING btree ("table_id");--> statement-breakpoint
CREATE INDEX "search_terms_trigrams" ON "search_terms" USING gin ("term" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "search_terms_prefix" ON "search_terms" USING btree ("term" text_pattern_ops);--> statement-breakpoint
CREATE INDEX "run_logs_run" ON "run_logs" USING btree ("run_id","id");--> statement-breakpoint
CREATE INDEX "runs_name" ON "runs" USING btree ("kind","name","created_at");--> statement-breakpoint
CREATE INDEX "runs_created" ON "runs" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "runs_open" ON "runs" USING btree ("created_at","id") WHERE state in ('QUEUED', 'RUNNING', 'STOPPING');--> statement-breakpoint
CREATE UNIQUE INDEX "runs_one_at_a_time" ON "runs" USING btree ("kind","name") WHERE state in ('RUNNING', 'STOPPING');