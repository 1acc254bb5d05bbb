// Written by `python -m frontend.engine_types` from the engine's own classes; do not change it by hand.

export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

export interface Sentence {
  message: string;
  template: string;
  values: Record<string, string | Sentence>;
}

export interface JobError {
  code: string;
  message: string;
  template: string;
  values: Record<string, string | Sentence>;
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
  eps?: string;
  pull?: string;
}

export interface RequestFields {
  prompt: string;
  negative_prompt: string;
  model: string;
  sampler: string;
  num_inference_steps: number;
  stop_at: number;
  beta_schedule: string;
  beta_start: number;
  beta_end: number;
  num_train_timesteps: number;
  sigma_schedule: string;
  discard_penultimate: boolean;
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
  prediction: "auto" | "epsilon" | "v";
  loras: string;
  control_image: string;
  control_model: string;
  control_type: "plain" | "canny" | "inverted";
  control_low: number;
  control_high: number;
  control_scale: number;
  control_start: number;
  control_end: number;
  control2_image: string;
  control2_model: string;
  control2_type: "plain" | "canny" | "inverted";
  control2_low: number;
  control2_high: number;
  control2_scale: number;
  control2_start: number;
  control2_end: number;
  control3_image: string;
  control3_model: string;
  control3_type: "plain" | "canny" | "inverted";
  control3_low: number;
  control3_high: number;
  control3_scale: number;
  control3_start: number;
  control3_end: number;
  ip_image: string;
  ip_model: string;
  ip_scale: number;
  ip_start: number;
  ip_end: number;
  ip2_image: string;
  ip2_model: string;
  ip2_scale: number;
  ip2_start: number;
  ip2_end: number;
  ip3_image: string;
  ip3_model: string;
  ip3_scale: number;
  ip3_start: number;
  ip3_end: number;
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
  branch_from: string;
  branch_step: number;
  branch_noise: number;
  branch_paint: string;
  branch_mask: string;
  x_field: string;
  x_values: string;
  y_field: string;
  y_values: string;
  z_field: string;
  z_values: string;
  prompt_lines: string;
  factor: "2x" | "4x";
  source: string;
  latents: string;
}

export interface ScheduleRequest {
  beta_schedule: string;
  num_train_timesteps: number;
  beta_start: number;
  beta_end: number;
  offset: number;
  zero_snr: boolean;
  curve: [number, number][];
}

export interface NoisedRequest {
  beta_schedule: string;
  num_train_timesteps: number;
  beta_start: number;
  beta_end: number;
  offset: number;
  zero_snr: boolean;
  curve: [number, number][];
  t: number;
  image: string;
  space: "pixels" | "latents";
  through: "decoder" | "preview";
  strip: boolean;
  numbers_only: boolean;
  model: string;
  seed: number;
}

export interface NoiseRequest {
  image: string;
  seed: number;
}

export interface ReverseRequest {
  beta_schedule: string;
  num_train_timesteps: number;
  beta_start: number;
  beta_end: number;
  offset: number;
  zero_snr: boolean;
  curve: [number, number][];
  prompt: string;
  negative_prompt: string;
  image: string;
  t: number;
  sampler: string;
  num_inference_steps: number;
  sigma_schedule: string;
  eta: number;
  guidance_scale: number;
  guidance_curve: [number, number][];
  shift: number;
  model: string;
  seed: number;
}

export interface PointsRequest {
  beta_schedule: string;
  num_train_timesteps: number;
  beta_start: number;
  beta_end: number;
  offset: number;
  zero_snr: boolean;
  curve: [number, number][];
  data: string;
  strokes: [number, number][];
  label: number;
  guidance_scale: number;
  sampler: string;
  num_inference_steps: number;
  sigma_schedule: string;
  eta: number;
  count: number;
  seed: number;
}

export interface GuidanceRequest {
  data: string;
  strokes: [number, number][];
  label: number;
  guidance_scale: number;
  x: number;
  y: number;
  sigma: number;
}

export interface OrdersRequest {
  deviation: number;
  sigma_max: number;
  sigma_min: number;
}

export interface DigitsRequest {
  model: "fixed" | "learned" | "ideal";
  sampler: "ancestral" | "ddim";
  variance: "fixed_small" | "fixed_large" | "learned_range";
  eta: number;
  num_inference_steps: number;
  guidance_scale: number;
  label: number;
  clip_denoised: boolean;
  shift: number;
  seed: number;
}

export interface BoundRequest {
  beta_schedule: string;
  num_train_timesteps: number;
  beta_start: number;
  beta_end: number;
  offset: number;
  zero_snr: boolean;
  curve: [number, number][];
  data: string;
  model: "fixed" | "learned" | "ideal";
  variance: "fixed_small" | "fixed_large" | "learned_range";
  seed: number;
}

export interface LatentsRequest {
  data: string;
  label: number;
  num_inference_steps: number;
  guidance_scale: number;
  temperature: number;
  seed: number;
  family: string;
  across: number;
  down: number;
  interpolation: "lerp" | "slerp";
}

export interface ManifoldRequest {
  label: number;
  across: number;
  down: number;
}

export interface RoundTripRequest {
  data: string;
  family: string;
  image: string;
  index: number;
  label: number;
}

export interface OwnRequest {
  model: string;
  label: number;
  sampler: string;
  num_inference_steps: number;
  temperature: number;
  samples: number;
  seed: number;
  image: string;
  other: string;
  size: number;
  share: number;
  interpolation: "lerp" | "slerp";
  view: "there-and-back" | "between" | "prior";
}

export interface FamilyRequest {
  data: string;
  label: number;
  num_inference_steps: number;
  guidance_scale: number;
  temperature: number;
  seed: number;
}

export interface PointsTrainingRequest {
  beta_schedule: string;
  num_train_timesteps: number;
  beta_start: number;
  beta_end: number;
  offset: number;
  zero_snr: boolean;
  curve: [number, number][];
  data: string;
  strokes: [number, number][];
  label: number;
  guidance_scale: number;
  sampler: string;
  num_inference_steps: number;
  sigma_schedule: string;
  eta: number;
  count: number;
  seed: number;
  training_steps: number;
  learning_rate: number;
  width: number;
}

export interface FamilyTrainingRequest {
  family: string;
  data: string;
  training_steps: number;
  learning_rate: number;
  width: number;
  generator_width: number;
  game: "relativistic" | "classic";
  only: "both" | "discriminator" | "generator";
  only_from: number;
  only_steps: number;
  latent: number;
  beta: number;
  prior_couplings: number;
  num_inference_steps: number;
  seed: number;
}

export interface FilmRequest {
  picture: string;
  kind: "webp" | "gif" | "mp4";
  shows: "result" | "noise" | "both" | "epsilon";
  captions: boolean;
  curve: boolean;
  language: "en" | "zh";
  fps: number;
  hold: number;
  size: number;
}

export interface Job {
  id: string;
  generator: string;
  request: Partial<RequestFields>;
  state: JobState;
  stopping: boolean;
  position: number | null;
  starts_in: number | null;
  ends_in: number | null;
  sharing: number;
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
