import { a } from "../stdx/a.js";
export const b = a + 1;
