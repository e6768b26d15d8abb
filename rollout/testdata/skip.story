plan skip
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
see target=v2
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see parked=no canary=ready
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 100/0, canary up, primary v2
see copied=want primary=ready
  Normal  Routing all traffic to primary
  Finalising step 0, failures 0: route 100/0, canary up, primary v2
see after=2s
  Normal  Promotion completed! Canary analysis was skipped for podinfo.test
  Succeeded step 0, failures 0: route 100/0, canary to zero, primary v2
see post-rollout=pass parked=yes
  Normal  Post-rollout check gate passed
  Succeeded step 0, failures 0: route 100/0, canary as it is, primary v2
