# A warm-up before the first traffic, and a bake after the last: the former revision stays ready,
# and a late verdict takes the traffic back to it.
plan baked
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
  Progressing step 1, failures 0: route 100/0, canary up, primary v1
see after=10s
  Normal  Advance podinfo.test canary weight 0.5
  Progressing step 2, failures 0: route 99.5/0.5, canary up, primary v1
see after=10s checks=pass
  Progressing step 3, failures 0: route 99.5/0.5, canary up, primary v1
see after=10s checks=pass
  Normal  Routing all traffic to canary, podinfo-primary.test keeps the former revision ready until the promotion
  Progressing step 4, failures 0: route 0/100, canary up, primary v1
see after=10s checks=pass
  Progressing step 5, failures 0: route 0/100, canary up, primary v1
see after=10s checks=fail
  Warning Halt podinfo.test advancement success rate 69.17% < 99%
  Progressing step 5, failures 1: route 0/100, canary up, primary v1
see after=10s checks=fail
  Warning Halt podinfo.test advancement success rate 69.17% < 99%
  Warning Rolling back podinfo.test failed checks threshold reached 2
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 2: route 100/0, canary up
