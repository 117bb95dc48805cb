namespace Framelease.ObjectStorage.Tests;

public class ByteRangeTests
{
    [Theory]
    [InlineData("bytes=0-499", 0L, 499L)]
    [InlineData("Bytes=500-", 500L, null)]
    [InlineData("bytes=-500", null, 500L)]
    [InlineData("bytes=0-9223372036854775807", 0L, long.MaxValue)]
    public void A_single_range_is_read(string header, long? from, long? to)
    {
        ByteRange.TryParse(header, out var range).ShouldBeTrue();
        range.ShouldBe(new ByteRange(from, to));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("bytes=")]
    [InlineData("bytes=-")]
    [InlineData("bytes=5")]
    [InlineData("bytes=5-4")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=0-1,3-4")]
    [InlineData("bytes=--5")]
    [InlineData("items=0-1")]
    [InlineData("bytes=0-99999999999999999999")]
    public void What_is_no_single_range_is_not(string? header) => ByteRange.TryParse(header, out _).ShouldBeFalse();

    [Fact]
    public void A_range_to_the_largest_number_ends_at_the_end() => new ByteRange(1, long.MaxValue).Within(10).ShouldBe((1, 9));
}
