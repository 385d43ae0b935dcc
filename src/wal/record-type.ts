/** Types of records, the numbers in the files. */
export const RecordType = {
  METADATA: 1,
  ENTRY: 2,
  STATE: 3,
  CRC: 4,
  SNAPSHOT: 5,
} as const;

export type RecordType = (typeof RecordType)[keyof typeof RecordType];
