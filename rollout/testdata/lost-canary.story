# A canary that loses all its pods loses its traffic at once.
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
see after=5s canary=down
  Warning Halt podinfo.test advancement no pod is ready, routing all traffic to primary: waiting for rollout to finish: 0 of 2 updated replicas are available
  Progressing step 0, failures 1: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see canary=ready
see after=10s
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 20
  Progressing step 1, failures 1: route 80/20, canary up, primary v1
see canary=down
  Warning Halt podinfo.test advancement no pod is ready, routing all traffic to primary: waiting for rollout to finish: 0 of 2 updated replicas are available
  Warning Rolling back podinfo.test failed checks threshold reached 2
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 2: route 100/0, canary up
