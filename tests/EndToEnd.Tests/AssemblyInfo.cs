// Each class has a platform of its own and wants the machine for itself: times and orders of events are looked at.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
