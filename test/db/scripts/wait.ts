/** Says that it is there and stays until it is killed. */
process.stdout.write('{}\n');
setInterval(() => {}, 60_000);
