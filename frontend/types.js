// The types of the page's scripts, strictly. Those of UNTYPED say too little of themselves yet to be held to it.
import { spawnSync } from "node:child_process";

const UNTYPED = [
  ...["addons", "enlarge", "estimate", "follow", "guidance_curve", "guidance_points", "jobs", "languages", "live"],
  ...["live_status", "main", "mask", "mask_editor", "mask_pixels", "mask_view", "memory", "mending", "message"],
  ...["metadata", "outpaint", "panes", "prompt", "prompt_weights", "rooms", "sketch", "start", "state", "studio"],
  ...["suited", "wire"],
];
const untyped = new RegExp(`^\\.\\./aigc_ui/static/(${UNTYPED.join("|")})\\.js\\(`);

const { stdout, error } = spawnSync("npx", ["tsc", "--pretty", "false"], { encoding: "utf8" });
if (error) throw error;
const mistakes = stdout.split(/\n(?=\S)/).filter((mistake) => mistake && !untyped.test(mistake));
console.log(mistakes.join("\n"));
process.exitCode = mistakes.length ? 1 : 0;
