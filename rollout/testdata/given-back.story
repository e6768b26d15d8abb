# A Canary is deleted in the middle of a release: its workload serves before it goes.
plan weighted
see target=v1 parked=no canary=ready primary=ready copied=want routed=yes
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v1
see copied=want
  Initializing step 1, failures 0: route 100/0, canary as it is, primary v1
  Normal  Initialization done! podinfo.test
  Initialized step 0, failures 0: route 100/0, canary up, primary v1
see after=2s parked=yes canary=down
  Initialized step 0, failures 0: route 100/0, canary to zero, primary v1
  Initialized step 0, failures 0: route 100/0, canary as it is, primary v1
see target=v2
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see parked=no canary=ready
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 20
  Progressing step 1, failures 0: route 80/20, canary up, primary v1
see after=10s checks=pass
  Normal  Advance podinfo.test canary weight 40
  Progressing step 2, failures 0: route 60/40, canary up, primary v1
see canary=rolling deleted=yes
  Normal  Terminating canary podinfo.test
  Terminating step 0, failures 0: route 100/0, canary up, apex named
  Warning Canary podinfo.test is not removed yet, its primary serves until the pods of podinfo.test are ready: waiting for rollout to finish: 1 of 2 updated replicas are available
see canary=ready after=2s
  Terminating step 1, failures 0: route 0/100, canary up, given back
see after=2s
  Normal  Terminated canary podinfo.test
  Terminating step 2, failures 0: route 0/100, canary up, left alone
