// A finished picture made larger: its bytes go in as an input, and a job of its own brings the new picture.
(() => {
  const { t, blob, upload, post, complain } = aigc;

  aigc.enlarge = async (id, factor) => {
    try {
      const bytes = await blob(`images/${encodeURIComponent(id)}`);
      if (!bytes) throw new Error(t("error.server"));
      const { id: image } = await upload(bytes);
      const job = await post("jobs", { generator: "upscale", request: { image, factor } });
      document.getElementById("live-view")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
      await aigc.submitted(job.id);
    } catch (error) { complain(error.message); }
  };

  // What stands where others have their prompt.
  aigc.titled = (generator, request) =>
    generator === "upscale" ? t("job.upscale", { factor: parseInt(request.factor, 10) })
      : generator === "decode" ? t("decode.again") : request.prompt || t("prompt.empty");
})();
