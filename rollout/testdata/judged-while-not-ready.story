# A canary that has traffic is judged, whether all of its pods are there or not; it gets no more meanwhile.
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
see canary=rolling after=10s checks=pass
  Warning waiting for rollout to finish: 1 of 2 updated replicas are available
see after=10s checks=fail
  Warning Halt podinfo.test advancement success rate 69.17% < 99%
  Progressing step 1, failures 1: route 80/20, canary up, primary v1
  Warning waiting for rollout to finish: 1 of 2 updated replicas are available
see after=10s checks=fail
  Warning Halt podinfo.test advancement success rate 69.17% < 99%
  Warning Rolling back podinfo.test failed checks threshold reached 2
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 2: route 100/0, canary up
