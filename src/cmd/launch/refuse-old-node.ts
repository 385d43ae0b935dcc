/**
 * Ends the program on a Node.js that it cannot run on, before it fails somewhere in the middle. The launcher
 * imports this first, and is built in the syntax of far older versions.
 */

/** Written in by the build. */
declare const PROGRAM_NAME: string;

/** The same as `engines` of package.json. */
const OLDEST = [20, 19] as const;

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  const oldest = OLDEST.join(".");
  process.stderr.write(
    `${PROGRAM_NAME} needs Node.js ${oldest} or later; this is ${process.version}\n`,
  );
  process.exit(1);
}
