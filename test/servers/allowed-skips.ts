/**
 * Why a test may be skipped, by name. In CI a skip for any other reason fails the run. A test skips with
 * `context.skip(SKIPS.notRoot)`, so that the reason is printed.
 */
export const SKIPS = {
  notRoot: 'needs root, to become another user',
  notLinux: 'needs Linux: /proc and capabilities',
  noSetpriv: 'needs setpriv of util-linux',
  noTmpfs: 'needs the right to mount a tmpfs',
  noS3: 'needs an S3 server: TEST_S3_URL, versitygw or minio on the PATH, or go to build one',
  noMysql: 'needs MariaDB: TEST_MYSQL_URL, mariadbd or mysqld on the PATH, or apt-get to download Debian’s',
  noRegistry: 'needs the npm registry, or all of the package’s dependencies in npm’s cache',
  noDynamodbLocal: 'needs DynamoDB Local: TEST_DYNAMODB_URL, or java and mvn to fetch it',
  wholeOnly: 'a source of this kind is readable whole or not at all',
} as const;

/** Those that CI accepts. */
export const ALLOWED_IN_CI: readonly string[] = [SKIPS.notRoot, SKIPS.noTmpfs, SKIPS.noDynamodbLocal, SKIPS.wholeOnly];
