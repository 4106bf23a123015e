import { useModel } from "../model/PageModel.js"

/** That this is a demo: for ever. */
export const DemoBanner = () => {
  const demo = useModel().connection.engine.value?.demo
  return demo === undefined ? null : (
    <div id="demo" role="note">
      <strong>Demo: these containers are not real.</strong> <span id="demo-reason">{demo}</span>
    </div>
  )
}

/** What keeps the page from being live, and what to do about it. */
export const ProblemBanners = () => {
  const { connection, containers } = useModel()
  const engine = connection.engine.value
  const problem = connection.problem.value
  return (
    <>
      {engine?.available === false && (
        <div id="engine-problem" class="banner" role="alert">
          <strong>Docker is unavailable</strong>
          <span id="engine-reason">{engine.reason ?? "The engine is not responding."}</span>
          <span>
            Dockwire keeps trying <code id="engine-endpoint">{engine.endpoint}</code> and continues as soon as Docker
            responds. To see what keeps it from that: <code>{`docker -H ${engine.endpoint} version`}</code>
          </span>
          <button type="button" onClick={() => void containers.refresh()}>
            Try now
          </button>
        </div>
      )}
      {problem !== undefined && (
        <div id="connection-problem" class="banner" role="alert">
          <strong>No live connection</strong>
          <span id="connection-reason">{problem}</span>
          <button type="button" onClick={() => connection.retry()}>
            Try now
          </button>
        </div>
      )}
    </>
  )
}

/** What the page has to say about what was asked of it. */
export const NoticeList = () => {
  const { notices } = useModel()
  const all = notices.all.value
  return (
    <div id="notices">
      {all.map(({ action, id, text, tone }) => (
        <div key={id} class="notice" data-tone={tone} role={tone === "bad" ? "alert" : "status"}>
          <span>{text}</span>
          {action !== undefined &&
            ("href" in action ? (
              <a href={action.href} onClick={() => notices.close(id)}>
                {action.label}
              </a>
            ) : (
              <button
                type="button"
                onClick={() => {
                  notices.close(id)
                  action.run()
                }}
              >
                {action.label}
              </button>
            ))}
          <button type="button" onClick={() => notices.close(id)}>
            Close
          </button>
        </div>
      ))}
    </div>
  )
}
