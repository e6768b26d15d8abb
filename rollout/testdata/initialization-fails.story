# A primary that never starts: the workload's own pods keep the traffic, a fix is taken up.
plan weighted
see target=v1 parked=no canary=ready primary=down
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see copied=want after=59s
see after=1s
  Error   Initialization of podinfo.test failed, its own pods keep the traffic: waiting for rollout to finish: 0 of 2 updated replicas are available
  Failed step 0, failures 0: route 100/0 (not exposed), canary up
see target=v2
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v2
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see copied=want primary=ready routed=yes
  Initializing step 1, failures 0: route 100/0, canary as it is, primary v2
  Normal  Initialization done! podinfo.test
  Initialized step 0, failures 0: route 100/0, canary up, primary v2
