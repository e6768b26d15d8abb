# A newer revision restarts the analysis; the promoted one cancels it.
plan weighted
see target=v1 parked=no canary=ready primary=down
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see copied=want
see primary=ready
  Initializing step 1, failures 0: route 100/0, canary as it is, primary v1
see routed=yes online=pass
  Normal  all the metrics providers are available!
  Normal  Initialization done! podinfo.test
  Initialized step 0, failures 0: route 100/0, canary up, primary v1
see after=2s
  Initialized step 0, failures 0: route 100/0, canary to zero, primary v1
see parked=yes canary=down
  Initialized step 0, failures 0: route 100/0, canary as it is, primary v1
see target=v2 parked=no canary=ready
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 20
  Progressing step 1, failures 0: route 80/20, canary up, primary v1
see after=10s checks=pass
  Normal  Advance podinfo.test canary weight 40
  Progressing step 2, failures 0: route 60/40, canary up, primary v1
see target=v3
  Normal  New revision detected! Restarting analysis for podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 20
  Progressing step 1, failures 0: route 80/20, canary up, primary v1
see after=10s checks=pass
  Normal  Advance podinfo.test canary weight 40
  Progressing step 2, failures 0: route 60/40, canary up, primary v1
see target=v1
  Normal  Canary analysis cancelled, podinfo.test is back at its promoted revision
  Succeeded step 0, failures 0: route 100/0, canary up, primary v1
see after=2s
  Succeeded step 0, failures 0: route 100/0, canary to zero, primary v1
see parked=yes canary=down
  Succeeded step 0, failures 0: route 100/0, canary as it is, primary v1
