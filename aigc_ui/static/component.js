// The page's own components (aigc_ui/components): each script reads and sets its value and draws in its element.

/**
 * What Gradio hands over: `heard` is called when Python has set another value, not for what the script sets itself.
 * @template T
 * @typedef {{
 *   field: string, element: HTMLElement, props: { value: T }, watch: (heard: () => void) => void,
 * }} Component
 */

export {};
