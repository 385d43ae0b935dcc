// @ts-check
/**
 * Names: how a name in a .proto file is called in TypeScript and in etcd's Go code.
 */

/**
 * Splits `dbSizeInUse`, `peerURLs`, `remaining_TTL` or `cluster_id` into its words.
 * @param {string} name
 * @returns {string[]}
 */
function words(name) {
  return name.match(/[A-Z]+s?(?![a-z])|[A-Z]?[a-z0-9]+/g) ?? [name];
}

/**
 * `peerURLs` becomes `peerUrls`, `cluster_id` becomes `clusterId`, `ID` becomes `id`.
 * @param {string} name
 * @returns {string}
 */
export function camelCase(name) {
  const [first = "", ...rest] = words(name);
  return first.toLowerCase() + rest.map(capitalized).join("");
}

/**
 * Name of a message or enum: first letter large, else as written.
 * @param {string} name
 * @returns {string}
 */
export function typeName(name) {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/**
 * `camelCase` with a large first letter.
 * @param {string} name
 * @returns {string}
 */
export function pascalCase(name) {
  return words(name).map(capitalized).join("");
}

/**
 * Name of a field in etcd's generated Go code, which its error texts show.
 * @param {string} name
 * @returns {string}
 */
export function goName(name) {
  return typeName(name).replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

/**
 * The second name that JSON input may use: protobuf's own lowerCamelCase, which only joins at underscores.
 * @param {string} name
 * @returns {string}
 */
export function jsonName(name) {
  return name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
}

/** @param {string} word */
function capitalized(word) {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
}
