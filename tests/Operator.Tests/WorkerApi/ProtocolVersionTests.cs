using Framelease.WorkerProtocol;

namespace Framelease.Operator.Tests.WorkerApi;

public sealed class ProtocolVersionTests
{
    static readonly ProtocolVersion Mine = new(1, 5);

    [Theory]
    [InlineData("1.5")]
    [InlineData("1.4")]
    [InlineData("1.3")]
    public void Two_minor_versions_back_are_understood(string told) => ProtocolVersion.Complaint(told, Mine).ShouldBeNull();

    [Theory]
    [InlineData("1.2", "the worker speaks 1.2, this operator 1.3 to 1.5; use a newer worker image")]
    [InlineData(null, "the worker speaks 1.0, this operator 1.3 to 1.5; use a newer worker image")]
    [InlineData("1.6", "the worker speaks 1.6, this operator 1.3 to 1.5; upgrade the operator first, or use an older worker image")]
    [InlineData("2.0", "the worker speaks 2.0, this operator 1.3 to 1.5; upgrade the operator first, or use an older worker image")]
    [InlineData("", "\"\" is no version; this operator speaks 1.3 to 1.5")]
    [InlineData("1", "\"1\" is no version")]
    [InlineData("1.x", "\"1.x\" is no version")]
    [InlineData("-1.5", "\"-1.5\" is no version")]
    [InlineData("1.99999999999", "\"1.99999999999\" is no version")]
    public void Any_other_is_refused_with_what_to_do(string? told, string said) => ProtocolVersion.Complaint(told, Mine)!.ShouldContain(said);

    [Fact]
    public void A_worker_that_names_no_version_speaks_the_first_and_today_that_is_understood() =>
        ProtocolVersion.Complaint(null, ProtocolVersion.Current).ShouldBeNull();
}
