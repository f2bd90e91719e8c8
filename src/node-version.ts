import { nodeTooOld } from "./core/phrases.ts";

// Imported before everything else: the error of an older Node names neither cause nor cure.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
	console.error(nodeTooOld(process.version));
	process.exit(1);
}
