using Framelease.Domain.Tasks;

namespace Framelease.Domain.Tests.Tasks;

public class RetryBackoffTests
{
    const double AlmostOne = 1 - 1e-12;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 7)]
    [InlineData(7, 127)]
    [InlineData(8, 255)]
    [InlineData(9, 299)]
    [InlineData(30, 299)]
    [InlineData(31, 299)]
    [InlineData(1_000_000, 299)]
    [InlineData(int.MaxValue, 299)]
    public void The_ceiling_doubles_up_to_the_cap(int failures, int longest) => RetryBackoff.Seconds(failures, AlmostOne).ShouldBe(longest);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void Nonsense_counts_as_the_first_failure(int failures) => RetryBackoff.Seconds(failures, AlmostOne).ShouldBe(1);

    [Fact]
    public void The_floor_is_no_wait_at_all() => Enumerable.Range(1, 40).ShouldAllBe(f => RetryBackoff.Seconds(f, 0) == 0);

    [Fact]
    public void The_whole_range_is_used_evenly()
    {
        const int Seed = 20260301;
        var random = new Random(Seed);
        var waits = Enumerable.Range(0, 30_000).Select(_ => RetryBackoff.Seconds(9, random.NextDouble())).ToList();
        waits.ShouldAllBe(w => w >= 0 && w < RetryBackoff.CapSeconds);
        for (var third = 0; third < 3; third++)
            waits.Count(w => w / 100 == third).ShouldBeInRange(9_500, 10_500, $"third {third}, seed {Seed}");
    }
}
