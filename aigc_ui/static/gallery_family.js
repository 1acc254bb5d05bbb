// The family of a picture: a tree of all that it was made from and that was made from it, and what is done with each.
import { createDialog } from "./dialog.js";
import { el } from "./dom.js";
import { on } from "./events.js";
import { createActs } from "./gallery_acts.js";
import { api, recipeOf } from "./http.js";
import { lineOf, nearestAbove } from "./kin_layout.js";
import { createTree } from "./kin_tree.js";
import { t } from "./words.js";

/**
 * @typedef {import("./types.d.ts").GalleryPicture} Picture
 * @typedef {import("./types.d.ts").Kin} Kin
 * @typedef {import("./types.d.ts").Recipe} Recipe
 */

/**
 * @param {{
 *   remove: (ids: string[]) => Promise<void>, fail: (error: unknown) => void, notice: HTMLElement,
 *   view: { openAlone: (picture: Picture) => unknown, node: HTMLDialogElement }, left: () => void,
 * }} gallery `view` shows a picture large, `left` takes the notice back
 */
export function createFamily(gallery) {
  /** @type {Kin} */
  let kin = { nodes: [], edges: [], cut: false };
  let [root, key, recipe] = ["", "", /** @type {Recipe} */ ({})];
  const chosen = () => kin.nodes.find((one) => one.key === key);
  const cut = () => gallery.remove(lineOf(kin, key).map(({ id }) => id));
  const leave = () => [parts.node.close(), gallery.view.node.close()];
  const acts = createActs(() => ({ picture: chosen()?.picture ?? undefined, recipe }), { leave, remove: cut });
  const openLarge = () => {
    const picture = chosen()?.picture;
    if (!picture) return;
    parts.node.close();
    gallery.view.openAlone(picture);
  };
  const tree = createTree({ choose, open: openLarge, cut });
  const parts = createParts(tree.node, acts.node, openLarge);

  /** @param {Picture} picture */
  async function open(picture) {
    root = picture.id;
    if (!(await load(root))) return;
    if (!parts.node.open) parts.node.showModal();
    parts.slot.append(gallery.notice);
    tree.show(kin, root); // once more, as it has a size now
    tree.focus();
  }
  /** @param {string} wanted @returns {Promise<boolean>} */
  async function load(wanted) {
    const found = await kinOf(root).catch(gallery.fail);
    if (!found) return false;
    kin = found;
    tree.show(kin, kin.nodes.some((one) => one.key === wanted) ? wanted : root);
    return true;
  }
  /** @param {string} wanted */
  async function choose(wanted) {
    [key, recipe] = [wanted, {}];
    say();
    const picture = chosen()?.picture;
    if (!picture) return;
    const read = await recipeOf(picture.id).catch(() => ({}));
    if (key !== wanted) return;
    recipe = read;
    say();
  }
  function say() {
    const picture = chosen()?.picture;
    tree.say();
    acts.say();
    acts.offer();
    const others = lineOf(kin, key).length - 1;
    acts.remove.textContent = others > 0 ? t("kin.cut-many", { count: others }) : t("kin.cut");
    parts.say(kin, picture ?? null, tree.kinds(key), stepsFrom(kin, key));
  }
  /** Something was cut off or brought back. Where the first one is gone, its next of kin takes its place. */
  async function anew() {
    if (!parts.node.open) return;
    if (await kinOf(root).catch(() => null)) return load(key);
    const left = nearestAbove(kin, root);
    if (!left) return parts.node.close();
    root = left;
    if (!(await load(left))) parts.node.close();
  }
  on("pictures", anew);
  on("language", () => parts.node.open && tree.show(kin, key));
  parts.node.addEventListener("close", gallery.left);
  return { node: parts.node, open };
}

/** @param {string} id @returns {Promise<Kin>} */
const kinOf = (id) => api(`gallery/${encodeURIComponent(id)}/family`);
/** How those that were made from a picture say that they were. @param {Kin} kin @param {string} key */
const stepsFrom = ({ edges }, key) => [
  ...new Set(edges.filter(({ parent }) => parent === key).map(({ kind }) => t(`kin.kind.${kind}`))),
];

/** @param {HTMLElement} tree @param {HTMLElement} acts @param {() => void} openLarge */
function createParts(tree, acts, openLarge) {
  const large = el("button", { type: "button", "data-act": "open", onclick: openLarge }),
    name = el("p", { class: "kin-name" }),
    hint = el("p", { class: "help" }),
    slot = el("div");
  acts.prepend(large);
  const dialog = createDialog("gallery-family", slot, hint, tree, el("footer", {}, name, acts));
  /** @param {Kin} kin @param {Picture | null} picture @param {string} kinds @param {string[]} children */
  function say(kin, picture, kinds, children) {
    dialog.say(t("kin.title"));
    large.textContent = t("kin.open");
    hint.textContent = kin.cut
      ? t("kin.more", { count: kin.nodes.length })
      : kin.nodes.length > 1
        ? ""
        : t("kin.alone");
    hint.hidden = !hint.textContent;
    const what = picture ? picture.title || t("gallery.untitled") : "";
    name.textContent = picture ? `${kinds}: ${what}` : t("kin.gone-help", { what: children.join(" · ") });
    acts.hidden = !picture;
  }
  return { node: dialog.node, slot, say };
}
