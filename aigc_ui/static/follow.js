// A job's events as they come: losses, snapshots, progress, and its end, whatever that is.
(() => {
  const { t } = aigc;
  // heard: { loss, progress, snapshot } take what was told; `failed(text)` a sentence; `end(state)` comes last, once.
  aigc.follow = (id, heard) => {
    let source = new EventSource(aigc.url(`jobs/${id}/events`));
    const on = (name, act) => act && source.addEventListener(name, (event) => { if (event.data) act(JSON.parse(event.data)); });
    const end = (state) => { if (!source) return; source.close(); source = null; heard.end(state); };
    for (const name of ["loss", "progress", "snapshot"]) on(name, heard[name]);
    on("error", (error) => heard.failed(error.message));
    on("state", (state) => { if (aigc.over(state)) end(state.state); });
    source.onerror = () => {                            // the browser tries again by itself, unless the job is gone
      if (source?.readyState === EventSource.CLOSED) { heard.failed(t("error.server")); end("failed"); }
    };
    return () => { source?.close(); source = null; };
  };
})();
