#!/usr/bin/env node
/** `npm run build`: everything in dist/, from a fresh clone or from what is there. */
import { ensureBuild, ensureDependencies } from "./project.mjs";

ensureDependencies();
ensureBuild();
