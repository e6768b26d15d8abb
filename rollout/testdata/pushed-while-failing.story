# A revision that lands with the verdict on the one before it is analysed; one that lands
# after it, while the primary is busy, is not forgotten.
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
see target=v2 parked=no canary=ready
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 20
  Progressing step 1, failures 0: route 80/20, canary up, primary v1
see after=10s checks=fail
  Warning Halt podinfo.test advancement success rate 69.17% < 99%
  Progressing step 1, failures 1: route 80/20, canary up, primary v1
see after=10s checks=fail target=v3
  Normal  New revision detected! Restarting analysis for podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 20
  Progressing step 1, failures 0: route 80/20, canary up, primary v1
see after=10s checks=fail
  Warning Halt podinfo.test advancement success rate 69.17% < 99%
  Progressing step 1, failures 1: route 80/20, canary up, primary v1
see after=10s checks=fail
  Warning Halt podinfo.test advancement success rate 69.17% < 99%
  Warning Rolling back podinfo.test failed checks threshold reached 2
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 2: route 100/0, canary up
see after=2s parked=yes canary=down
  Failed step 0, failures 2: route 100/0, canary to zero
  Failed step 0, failures 2: route 100/0, canary as it is
see primary=rolling target=v4
  Warning waiting for rollout to finish: 1 of 2 updated replicas are available
see after=1h
see primary=ready
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
