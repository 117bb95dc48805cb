using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Xunit.Abstractions;

namespace Framelease.Domain.Tests.Scheduling;

/// <summary>
/// Nobody waits for ever: a seeded world of one pool, in seconds, whose slots are always wanted by more than there are. After its
/// overtaking time a lease has only those in front of it that were there already, and each slot serves one of them in at most the hard
/// limit. Replay: WAITING_SEED=n.
/// </summary>
public class WaitingTests(ITestOutputHelper output)
{
    const int Hard = 60;
    const int MostPoints = 10;
    static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Under_sustained_load_of_more_urgent_leases_every_lease_starts_before_its_bound()
    {
        var seeds = int.TryParse(Environment.GetEnvironmentVariable("WAITING_SEED"), out var one) ? [one]
            : Enumerable.Range(1, 12).ToArray();
        var (started, longest) = (0, 0.0);
        foreach (var seed in seeds)
        {
            var world = new World(seed);
            for (var second = 0; second < 1_500; second++)
                world.Step(second);
            world.Late.ShouldBeEmpty($"seed {seed}");
            world.Fell.ShouldBeEmpty($"seed {seed}: it was overtaken after its overtaking time");
            (started, longest) = (started + world.Started, Math.Max(longest, world.LongestShareOfBound));
        }

        output.WriteLine($"{seeds.Length} seeds, {started} leases started, the longest wait was {longest:P0} of its bound");
        started.ShouldBeGreaterThan(500);
    }

    [Fact]
    public void A_lease_that_needs_a_whole_device_starts_although_small_ones_always_find_room()
    {
        foreach (var seed in Enumerable.Range(1, 6))
        {
            var world = new World(seed, slotsPerDevice: 4) { LargeAt = 100 };
            for (var second = 0; second < 1_500 && world.LargeStartedAt is null; second++)
                world.Step(second);
            // Those in front of it when it came, then the device that is kept for it: each at most one hard limit.
            world.LargeStartedAt.ShouldNotBeNull($"seed {seed}").ShouldBeLessThan(100 + 60 * MostPoints + 4 * Hard, $"seed {seed}");
        }
    }

    [Theory]
    [InlineData(0, 300, 18_000)]
    [InlineData(250, 300, 3_000)]
    [InlineData(300, 250, 0)]
    public void The_overtaking_time_is_a_minute_for_each_point_that_others_may_have_more(int points, int most, int seconds) =>
        QueueOrder.OvertakingSeconds(points, most).ShouldBe(seconds);

    sealed class World(int seed, int slotsPerDevice = 1)
    {
        const int Devices = 3;
        readonly Random _random = new(seed);
        readonly List<(string Uid, string Tenant, DeviceNeed Need, DateTimeOffset At, int Came, int Points)> _waiting = [];
        readonly Dictionary<SlotKey, (int Until, DeviceNeed Need)> _held = [];
        readonly Dictionary<SlotKey, long> _tokens = [];
        readonly Dictionary<string, int> _bounds = [];
        int _next;

        public int Started { get; private set; }

        public double LongestShareOfBound { get; private set; }

        public List<string> Late { get; } = [];

        public List<string> Fell { get; } = [];

        public int? LargeAt { get; init; }

        public int? LargeStartedAt { get; private set; }

        public void Step(int second)
        {
            foreach (var ended in _held.Where(h => h.Value.Until <= second).Select(h => h.Key).ToList())
                _held.Remove(ended);
            Arrive(second);
            SetBounds(second);
            var round = DispatchRound.Decide(new PoolView(Groups(), [.. AllDevices()], new Dictionary<string, TenantShare>(), 100));
            foreach (var grant in round.Grants)
                Start(grant, second);
            Late.AddRange(_waiting.Where(w => _bounds.TryGetValue(w.Uid, out var bound) && second > bound).Select(w => w.Uid));
        }

        // A little more than the slots can serve, of all points; now and then one that has none.
        void Arrive(int second)
        {
            if (second == LargeAt)
                Add("large", new DeviceNeed(8_000, 0, 0), 0, second);
            var small = slotsPerDevice > 1 ? new DeviceNeed(2_000, 0, 0) : DeviceNeed.None;
            var load = Devices * slotsPerDevice / 32.0;
            for (var i = _waiting.Count > 60 ? 1.0 : 0; i < load * 1.05; i++)
            {
                if (_random.NextDouble() < Math.Min(1, load * 1.05 - i))
                    Add($"lease-{_next++}", small, _random.Next(10) == 0 ? 0 : _random.Next(MostPoints + 1), second);
            }
        }

        void Add(string uid, DeviceNeed need, int points, int second)
        {
            var at = QueueOrder.Key(Noon.AddSeconds(second), points);
            if (_waiting.Exists(w => w.Came < second && w.At > at && w.Came + QueueOrder.OvertakingSeconds(w.Points, MostPoints) < second))
                Fell.Add(uid);
            _waiting.Add((uid, $"tenant-{_random.Next(3)}", need, at, second, points));
        }

        // Once nobody can overtake a lease any more, those in front of it are known, and with them the latest moment of its start.
        void SetBounds(int second)
        {
            foreach (var w in _waiting.Where(w => !_bounds.ContainsKey(w.Uid) && w.Uid != "large"))
            {
                if (second <= w.Came + QueueOrder.OvertakingSeconds(w.Points, MostPoints))
                    continue;
                var inFront = _waiting.Count(o => o.At < w.At || (o.At == w.At && string.CompareOrdinal(o.Uid, w.Uid) < 0));
                _bounds[w.Uid] = second + ((inFront / (Devices * slotsPerDevice)) + 1) * Hard;
            }
        }

        void Start(DispatchGrant grant, int second)
        {
            var lease = _waiting.Single(w => w.Uid == grant.LeaseUid);
            _waiting.Remove(lease);
            _held.ContainsKey(grant.Slot.Key).ShouldBeFalse();
            _held[grant.Slot.Key] = (second + _random.Next(5, Hard), lease.Need);
            _tokens[grant.Slot.Key] = grant.Slot.Token + 1;
            Started++;
            if (lease.Uid == "large")
                LargeStartedAt = second;
            if (_bounds.TryGetValue(lease.Uid, out var bound))
                LongestShareOfBound = Math.Max(LongestShareOfBound, (double)(second - lease.Came) / (bound - lease.Came));
        }

        List<QueueGroup> Groups() =>
        [
            .. _waiting.GroupBy(w => (w.Tenant, w.Need)).Select(g => new QueueGroup(
                g.Key.Tenant, g.Key.Need,
                    [.. g.OrderBy(w => w.At).ThenBy(w => w.Uid, StringComparer.Ordinal).Select(w => new WaitingLease(w.Uid, w.At))])),
        ];

        IEnumerable<DeviceView> AllDevices() =>
            from device in Enumerable.Range(0, Devices)
            let slots = Enumerable.Range(0, slotsPerDevice).Select(i => new SlotKey("cluster", "node", $"gpu-{device}", i)).ToList()
            let traits = new DeviceTraits(slotsPerDevice > 1 ? 8_000 : 0, 0, 0)
            select new DeviceView(
                "node", $"gpu-{device}", traits, new DeviceNeed(slots.Sum(s => _held.TryGetValue(s, out var h) ? h.Need.VramMiB : 0), 0, 0),
                [
                    .. slots.Select(s => new SlotSnapshot(
                        s, "pool", _held.ContainsKey(s) ? SlotState.Granted : SlotState.Free, _tokens.GetValueOrDefault(s),
                        _held.ContainsKey(s) ? "held" : null, "Card", "Gpu", device)
                    {
                        Traits = traits,
                    }),
                ]);
    }
}
