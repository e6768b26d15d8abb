# Half of an audience comes home in two steps, as all users would.
plan audience
see target=v1 parked=no canary=ready primary=ready copied=want routed=yes
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v1
see copied=want
  Initializing step 1, failures 0: route 100/0, canary as it is, primary v1
  Normal  Initialization done! podinfo.test
  Initialized step 0, failures 0: route 100/0, canary up, primary v1
see after=2s parked=yes canary=down
  Initialized step 0, failures 0: route 100/0, canary to zero, primary v1
  Initialized step 0, failures 0: route 100/0, canary as it is, primary v1
see target=v2 parked=no canary=ready
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 50
  Progressing step 1, failures 0: route 50/50 for matching requests, canary up, primary v1
see after=10s checks=pass
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 50/50 for matching requests, canary up, primary v2
see copied=want
  Normal  Advance podinfo.test primary weight 75
  Promoting step 1, failures 0: route 75/25 for matching requests, canary up, primary v2
see after=10s
  Normal  Routing all traffic to primary
  Finalising step 0, failures 0: route 100/0, canary up, primary v2
see after=10s
  Normal  Promotion completed! Scaling down podinfo.test
  Succeeded step 0, failures 0: route 100/0, canary to zero, primary v2
# Promoted before the audience had any traffic, there is nothing to take back.
plan audience
see target=v3 parked=no primary=ready canary=down
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v2
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see ask=promote
  Normal  Promoting podinfo.test without the rest of its analysis, as alice (why not) asked
  Progressing step 0, failures 0: route 100/0, canary up, primary v2
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see canary=ready
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 100/0, canary up, primary v3
see copied=want
  Normal  Routing all traffic to primary
  Finalising step 0, failures 0: route 100/0, canary up, primary v3
