// Written by `python -m frontend.engine_types` from the engine's own classes; do not change it by hand.

export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

export interface JobError {
  code: string;
  message: string;
}

export interface JobProgress {
  stage: string;
  step: number;
  total: number;
  seconds_left: number | null;
}

export interface Progress {
  stage: string;
  done: number;
  total: number;
  note: string;
}

export interface Loss {
  step: number;
  losses: Record<string, number>;
}

export interface Snapshot {
  step: number;
  values: Record<string, any>;
}

export interface Look {
  kind: string;
  label: string;
  info: string;
  placeholder: string;
  step: number | null;
  log: boolean;
  choices: Record<string, string>;
}

export interface Frame {
  index: number;
  total: number;
  sigma: number;
  x: string;
  x0: string;
}

export interface RequestFields {
  prompt: string;
  negative_prompt: string;
  model: string;
  sampler: string;
  num_inference_steps: number;
  beta_schedule: string;
  beta_start: number;
  beta_end: number;
  num_train_timesteps: number;
  sigma_schedule: string;
  guidance_scale: number;
  guidance_curve: [number, number][];
  guidance_rescale: number;
  guidance_start: number;
  guidance_end: number;
  eta: number;
  seed: number;
  variation_seed: number;
  variation_strength: number;
  seed_resize_width: number;
  seed_resize_height: number;
  width: number;
  height: number;
  count: number;
  image: string;
  mask_image: string;
  strength: number;
  prompt_syntax: "a1111" | "comfyui" | "plain";
  emphasis: "original" | "no_norm";
  style: string;
  clip_skip: number;
  vae: string;
  loras: string;
  control_image: string;
  control_model: string;
  control_type: "plain" | "canny" | "inverted";
  control_low: number;
  control_high: number;
  control_scale: number;
  control_start: number;
  control_end: number;
  ip_image: string;
  ip_model: string;
  ip_scale: number;
  ip_start: number;
  ip_end: number;
  upscale: "auto" | "none" | "2x" | "4x";
  upscaler: string;
  hires_scale: number;
  hires_steps: number;
  hires_strength: number;
  hires_upscaler: string;
  outpaint_left: number;
  outpaint_right: number;
  outpaint_top: number;
  outpaint_bottom: number;
  mask_blur: number;
  mask_fill: "original" | "fill" | "noise" | "nothing";
  only_masked: boolean;
  masked_padding: number;
  tile: number;
  x_field: string;
  x_values: string;
  y_field: string;
  y_values: string;
  z_field: string;
  z_values: string;
  prompt_lines: string;
  factor: "2x" | "4x";
  latents: string;
}

export interface Job {
  id: string;
  generator: string;
  request: Partial<RequestFields>;
  state: JobState;
  stopping: boolean;
  position: number | null;
  error: JobError | null;
  created: number;
  started: number | null;
  finished: number | null;
  progress: JobProgress;
  image_ids: string[];
  latents_ids: string[];
  notes: string[];
  unsaved: number;
  interruptions: number;
  own: boolean;
}
