/** The sentences about files that the bridge cannot use: which file, which user, which rights, and what mends it. */

/** The use of a file by a process. */
export type Need = "read" | "write" | "make";
const done = { read: "read", write: "used", make: "made" } as const;

/** The cure is a whole sentence, or several. */
export const cannot = (what: string, need: Need, code: string, why: string, cure: string) =>
	`${what} cannot be ${done[need]} (${code}): ${why}. ${cure}`;

// Causes.
export const notThere = (path: string) => `${path} is not there`;
export const thereAlready = (path: string) => `${path} is there already`;
export const isFolder = (path: string) => `${path} is a folder, not a file`;
export const isNoFolder = (path: string) => `${path} is a file, not a folder`;
export const diskFull = (folder: string) => `the disk of ${folder} is full`;
export const diskReadOnly = (folder: string) => `the file system of ${folder} is read-only here`;
export const tooManyFiles = "the process has too many files open";
export const tooLarge = "the process may write no file as large as that";
export const diskFailed = "the disk failed";
export const noRight = (path: string, owner: string, mode: string, user: string, right: string) =>
	`${path} belongs to ${owner} with mode ${mode}, and the process runs as ${user}, who needs the right to ${right}`;
export const forbiddenElsewhere = (path: string, user: string) =>
	`the modes of ${path} and of the folders above it let ${user} use it, so something else forbids it`;

// Cures.
export const run = (command: string) => `Run: ${command}`;
export const runAsRoot = (command: string) => `Run as root: ${command}`;
export const asOwner = (owner: string, command: string) =>
	`Run the bridge and its commands as ${owner} (runuser -u ${owner} -- …), or give this user the files, as root: ${command}`;
export const orKeepElsewhere = (cure: string, user: string) =>
	`${cure} (or keep the file in a folder that ${user} may enter)`;
export const folderInside = (command: string, folder: string, option: string | undefined) =>
	`${runAsRoot(command)}, and ${option ? `set ${option} to a path` : "name a path"} in ${folder}`;
export const ofVolume = (id: string, mount: string) =>
	`Run on the host, for the folder that is mounted at ${mount}: chown -R ${id} FOLDER (with rootless Podman: podman unshare chown -R ${id} FOLDER)`;
export const moveAway = (option: string | undefined) =>
	`Move it away, or ${option ? `correct ${option}` : "name another path"}`;
export const correctPath = (option: string | undefined) =>
	option ? `Correct ${option}, or put the file there` : "Name another path";
export const nameFile = (option: string | undefined) =>
	option ? `Have ${option} name a file` : "Name a file in it";
export const makeRoom = (folder: string) => `Make room; “df -h ${folder}” shows how much there is`;
export const letWrite = (folder: string) =>
	`Mount it for writing, or, in a systemd unit with ProtectSystem, add ReadWritePaths=${folder}`;
export const allowMoreFiles = "Raise the limit: LimitNOFILE= in the systemd unit, or ulimit -n";
export const allowLarger = "Raise the limit: LimitFSIZE= in the systemd unit, or ulimit -f";
export const lookAtDisk =
	"Look at the log of the kernel (dmesg); “restore” mends damaged stores from a backup, once the disk works";
export const lookAtMount =
	"With SELinux, mount the folder with the option Z (--volume FOLDER:/data:Z); else look at AppArmor, and at lsattr";
export const lookAtPolicy =
	"Look at the restrictions of the systemd unit (ProtectHome=, ReadWritePaths=), at SELinux or AppArmor, and at lsattr";

// Relative paths.
export const isElsewhere = (what: string, option: string, here: string, there: string, base: string) =>
	`${option} means ${here} here. No ${what} is there, but one is at ${there}. Relative paths begin at the working directory, so run this in ${base}. If a new ${what} is to begin at ${here}, write that whole path into ${option}.`;
export const configElsewhere = (there: string, base: string) =>
	`There is one at ${there}: run this in ${base}, where its relative paths begin`;
