// Another model brings the size, steps and guidance that suit it, and perhaps its sampler, which goes with it again. Only
// the model that was chosen last counts, however long looking one over takes.
(() => {
  const { post, complain } = aigc;
  let turn = 0, brought = null;  // the sampler that a model brought, and the one that it replaced

  aigc.chosen = async (model, sampler) => {
    const mine = ++turn;
    let values;
    try { values = await post("suited", { model }); } catch (error) {
      if (mine === turn) complain(error.message);
      return;
    }
    if (mine !== turn) return;
    const before = brought && sampler === brought.sampler ? brought.before : sampler;
    brought = values.sampler ? { sampler: values.sampler, before } : null;
    aigc.settings({ sampler: before, ...values }, true);
  };
})();
