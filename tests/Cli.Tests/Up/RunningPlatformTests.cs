using Framelease.Cli.Up;

namespace Framelease.Cli.Tests.Up;

public sealed class RunningPlatformTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("framelease-running").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_process_that_wrote_itself_down_is_found()
    {
        RunningPlatform.Write(_directory);

        RunningPlatform.Find(_directory).ShouldBe(Environment.ProcessId);
    }

    [Fact]
    public void A_directory_without_a_platform_has_none() => RunningPlatform.Find(_directory).ShouldBeNull();

    [Theory]
    [InlineData("")]
    [InlineData("garbage")]
    [InlineData("1 99999999999")]
    public void A_process_id_that_somebody_else_has_now_is_not_taken_for_the_platform(string record)
    {
        File.WriteAllText(Path.Combine(_directory, "up.pid"), record);

        RunningPlatform.Find(_directory).ShouldBeNull();
    }
}
