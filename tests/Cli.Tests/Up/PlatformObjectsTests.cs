using Framelease.Cli.Up;

namespace Framelease.Cli.Tests.Up;

public sealed class PlatformObjectsTests
{
    [Fact]
    public void A_platform_starts_with_one_engine_one_pool_and_one_tenant() =>
        PlatformObjects.Samples().Select(m => $"{m.Kind}/{m.Name}").Order().ShouldBe(["Engine/ffmpeg-transcode", "GpuPool/default", "Tenant/default"]);
}
