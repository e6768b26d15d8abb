# A canary that does not come up in time is taken back without ever having had traffic.
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
see target=v2 parked=no canary=down
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see after=59s
see after=1s
  Warning Rolling back podinfo.test progress deadline exceeded waiting for rollout to finish: 0 of 2 updated replicas are available
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 0: route 100/0, canary up
see after=2s
  Failed step 0, failures 0: route 100/0, canary to zero
