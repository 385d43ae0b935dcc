/**
 * Times of certificates: calendar texts on the one side, milliseconds since the Unix epoch on the other.
 *
 * Source: RFC 5280, 4.1.2.5 (UTCTime until 2049, GeneralizedTime from 2050 on, both to the second, in UTC).
 */
import { latin1FromBytes } from "../stdx/bytes.ts";
import { type DerElement, DerError, DerTag } from "./der-reader.ts";

const DAY_MS = 86_400_000;

/** Days from the epoch to a day of the Gregorian calendar. Source: H. Hinnant, days_from_civil. */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Year, month and day of days from the epoch: the inverse of `daysOf`. */
function calendarOf(days: number): readonly [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthOfYear = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthOfYear + 2) / 5) + 1;
  const month = monthOfYear < 10 ? monthOfYear + 3 : monthOfYear - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

const TIME = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** Milliseconds since the epoch that a time element stands for. Throws `DerError`. */
export function timeOf(element: DerElement): number {
  const isTime = element.tag === DerTag.UTC_TIME || element.tag === DerTag.GENERALIZED_TIME;
  const parts = isTime ? TIME.exec(latin1FromBytes(element.content)) : null;
  const yearDigits = element.tag === DerTag.UTC_TIME ? 2 : 4;
  if (parts === null || parts[1].length !== yearDigits) throw new DerError("malformed time");
  const [given, month, day, hour, minute, second] = parts.slice(1).map(Number);
  const isPossible =
    month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second < 60;
  if (!isPossible) throw new DerError("malformed time");
  const century = given >= 50 ? 1900 : 2000;
  const year = yearDigits === 2 ? century + given : given;
  const secondOfDay = (hour * 60 + minute) * 60 + second;
  return daysOf(year, month, day) * DAY_MS + secondOfDay * 1000;
}

/** Digits of a time of the calendar, year first, without separators: "20260131235959". */
export function calendarDigits(ms: number): string {
  const [year, month, day] = calendarOf(Math.floor(ms / DAY_MS));
  const second = Math.floor((ms - Math.floor(ms / DAY_MS) * DAY_MS) / 1000);
  const parts = [
    month,
    day,
    Math.floor(second / 3600),
    Math.floor(second / 60) % 60,
    second % 60,
  ].map((part) => String(part).padStart(2, "0"));
  return String(year).padStart(4, "0") + parts.join("");
}

/** A time to the second as Go prints it (RFC 3339, in UTC): "2026-01-31T23:59:59Z". */
export function goTimeText(ms: number): string {
  return calendarDigits(ms).replace(
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/,
    "$1-$2-$3T$4:$5:$6Z",
  );
}
