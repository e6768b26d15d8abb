# Requests are copied before any is sent, a newer revision ends that, and so does the first weight.
plan mirrored
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
  Normal  Advance podinfo.test canary weight 0
  Progressing step 1, failures 0: route 100/0 mirror 100, canary up, primary v1
see target=v3 canary=down
  Normal  New revision detected! Restarting analysis for podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see canary=ready
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 0
  Progressing step 1, failures 0: route 100/0 mirror 100, canary up, primary v1
see after=10s checks=pass
  Normal  Advance podinfo.test canary weight 10
  Progressing step 2, failures 0: route 90/10, canary up, primary v1
