"""What others do with the lake of the crawl benchmark, each in a process of its own: peers.py SIDE FORMAT.

The time is that of the work, without the start of Python and its imports; a line of JSON says what was found and what it took.
"""

import json
import os
import resource
import sys
import tempfile
import time

SIDE, FORMAT = sys.argv[1:3]
TABLES = ["clicks", "orders", "visits"]
ENDPOINT = os.environ["AWS_ENDPOINT_URL_S3"]


def boto():
    """Lists, and tells tables and partitions by their names. Reads nothing, keeps nothing."""
    import boto3

    def work():
        client = boto3.client("s3", endpoint_url=ENDPOINT)
        objects, partitions = 0, set()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket="lake"):
            for item in page["Contents"]:
                objects += 1
                partitions.add(item["Key"].rpartition("/")[0])
        tables = {path.partition("/")[0] for path in partitions}
        return {"objects": objects, "tables": [{"name": name} for name in sorted(tables)], "partitions": len(partitions)}

    return work


def wrangler():
    """All that store_parquet_metadata does before it calls Glue: lists, and reads every footer."""
    import awswrangler
    import boto3
    from awswrangler.s3._read_parquet import _read_parquet_metadata

    awswrangler.config.s3_endpoint_url = ENDPOINT

    def work():
        partitions, tables = 0, []
        for table in TABLES:
            found = _read_parquet_metadata(
                path=f"s3://lake/{table}/",
                path_suffix=None,
                path_ignore_suffix=None,
                ignore_empty=False,
                ignore_null=False,
                dtype=None,
                sampling=1.0,
                dataset=True,
                use_threads=True,
                boto3_session=boto3.Session(),
                s3_additional_kwargs=None,
            )
            partitions += len(found.partitions_values)
            tables.append({"name": table, "columns": sorted(found.columns_types)})
        return {"tables": tables, "partitions": partitions}

    return work


def datahub():
    """Its s3 source into a file. It infers one schema for each table, from one file."""
    from datahub.ingestion.run.pipeline import Pipeline

    folder = tempfile.mkdtemp()
    out = os.path.join(folder, "out.json")
    levels = "{partition_key[0]}={partition[0]}/{partition_key[1]}={partition[1]}"
    config = {
        "source": {
            "type": "s3",
            "config": {
                "path_specs": [
                    {
                        "include": f"s3://lake/{{table}}/{levels}/*.{FORMAT}",
                        "traversal_method": "ALL",
                    }
                ],
                "aws_config": {
                    "aws_access_key_id": "bench",
                    "aws_secret_access_key": "bench",
                    "aws_region": "us-east-1",
                    "aws_endpoint_url": ENDPOINT,
                },
                "profiling": {"enabled": False},
            },
        },
        "sink": {"type": "file", "config": {"filename": out}},
    }
    pipeline = Pipeline.create(config)

    def work():
        pipeline.run()
        pipeline.raise_from_status()
        with open(out) as file:
            aspects = json.load(file)
        tables, partitions = {}, 0
        for one in aspects:
            name, value = one["entityUrn"].split(",")[1:2], one.get("aspect", {}).get("json", {})
            if one["aspectName"] == "datasetProperties":
                partitions += int(value["customProperties"]["number_of_partitions"])
            if one["aspectName"] == "schemaMetadata":
                fields = [field["fieldPath"].rpartition(".")[2] for field in value["fields"]]
                tables[name[0].rpartition("/")[2]] = sorted(fields)
        return {
            "objects": pipeline.source.get_report().objects_listed,
            "tables": [{"name": name, "columns": columns} for name, columns in sorted(tables.items())],
            "partitions": partitions,
        }

    return work


work = {"boto3": boto, "awswrangler": wrangler, "datahub": datahub}[SIDE]()
cpu, start = time.process_time(), time.perf_counter()
found = work()
took = {
    "ms": (time.perf_counter() - start) * 1000,
    "cpuMs": (time.process_time() - cpu) * 1000,
    "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}
print(json.dumps({**found, **took}))
